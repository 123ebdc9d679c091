import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Transport } from "../PluginHost.ts"
import { TransportFailure, type PaneInspection, type TransportDriver } from "../transport-driver.ts"
import { PaneIdentity } from "../../domain/pane.ts"
import * as Answers from "./answers.ts"
import { bounded, describeCause, describeProblem } from "./bounded-call.ts"

/** Longest time, in milliseconds, that each call may take; what takes longer is `Unreachable`. */
export const transportLimits = {
  spawn: 30_000,
  list: 10_000,
  inspect: 10_000,
  capture: 10_000,
  leaveModes: 10_000,
  paste: 30_000,
  press: 10_000,
  interrupt: 10_000,
  /** Comes on top of the grace that the caller gives. */
  stopMargin: 15_000
} as const

const decodeFailure = Schema.decodeUnknownOption(Answers.TransportFailureShape)
const decodeInspection = Schema.decodeUnknownEither(Answers.PaneInspection)
const decodeEvent = Schema.decodeUnknownEither(Answers.TransportEvent)
const nothing = Schema.decodeUnknownEither(Schema.Unknown)

/** A driver behind a span that names its plugin, time limits, a check of its answers and a guard against defects. */
export const guardTransport = (
  names: { readonly plugin: string; readonly name: string },
  driver: TransportDriver
): Transport => {
  const { name, plugin } = names
  const unreachable = (operation: string, detail: string) =>
    new TransportFailure({
      transport: name,
      operation,
      reason: "Unreachable",
      detail: `${detail} So nothing is known (plugin ${plugin}, transport ${name}, ${operation}).`
    })
  // A failure is recognised by its tag: it may come from another copy of the SDK.
  const failureOf = (operation: string, cause: Cause.Cause<unknown>): TransportFailure =>
    Cause.failureOption(cause).pipe(
      Option.flatMap(decodeFailure),
      Option.match({
        onNone: () => unreachable(operation, `The transport broke: ${describeCause(cause)}.`),
        onSome: ({ detail, reason }) => new TransportFailure({ transport: name, operation, reason, detail })
      })
    )
  const span = (operation: string) => ({
    attributes: { "reprise.plugin": plugin, "reprise.transport": name, "reprise.operation": operation }
  })
  const call = <A, B>(
    operation: string,
    limitMs: number,
    decode: (answer: unknown) => Either.Either<A, ParseResult.ParseError>,
    run: () => Effect.Effect<B, TransportFailure>
  ): Effect.Effect<A, TransportFailure> => {
    const answered = Effect.suspend(() => {
      const started = run()
      return Effect.isEffect(started)
        ? started
        : Effect.fail(unreachable(operation, "The transport gave something that is not an Effect."))
    }).pipe(
      Effect.flatMap((answer) =>
        Either.match(decode(answer), {
          onLeft: (problem) =>
            Effect.fail(
              unreachable(operation, `The transport gave an answer of the wrong shape: ${describeProblem(problem)}.`)
            ),
          onRight: (right) => Effect.succeed(right)
        })
      ),
      Effect.catchAllCause((cause) => Effect.fail(failureOf(operation, cause)))
    )
    return bounded(answered, limitMs, () =>
      Effect.fail(unreachable(operation, `The transport did not answer within ${limitMs} ms.`))).pipe(
        Effect.withSpan(`transport.${operation}`, span(operation))
      )
  }
  const pane = Schema.decodeUnknownEither(PaneIdentity)
  const listing = Schema.decodeUnknownEither(Answers.PaneListing)
  const screen = Schema.decodeUnknownEither(Answers.Screen)
  const report = Schema.decodeUnknownEither(Answers.StopReport)
  const unknownState = (failure: TransportFailure): PaneInspection => ({
    state: "unknown",
    evidence: failure.detail,
    exit: null
  })

  return {
    name,
    plugin,
    capabilities: driver.capabilities,
    // What it names can be renamed while the driver is in use.
    get attachCommand() {
      return driver.attachCommand
    },
    residence: driver.residence,
    spawn: (request) => call("spawn", transportLimits.spawn, pane, () => driver.spawn(request)),
    list: call("list", transportLimits.list, listing, () => driver.list),
    inspect: (identity) =>
      call("inspect", transportLimits.inspect, decodeInspection, () => driver.inspect(identity)).pipe(
        Effect.catchAll((failure) => Effect.succeed(unknownState(failure)))
      ),
    capture: (identity) => call("capture", transportLimits.capture, screen, () => driver.capture(identity)),
    leaveModes: (identity) =>
      Effect.asVoid(call("leaveModes", transportLimits.leaveModes, nothing, () => driver.leaveModes(identity))),
    paste: (identity, text) =>
      Effect.asVoid(call("paste", transportLimits.paste, nothing, () => driver.paste(identity, text))),
    press: (identity, keys) =>
      Effect.asVoid(call("press", transportLimits.press, nothing, () => driver.press(identity, keys))),
    interrupt: (identity) =>
      Effect.asVoid(call("interrupt", transportLimits.interrupt, nothing, () => driver.interrupt(identity))),
    stop: (identity, options) =>
      call("stop", options.graceMs + transportLimits.stopMargin, report, () => driver.stop(identity, options)),
    ...driver.closeHome === undefined ? {} : {
      closeHome: call("closeHome", transportLimits.list, Schema.decodeUnknownEither(Schema.Boolean), () => driver.closeHome ?? Effect.succeed(false))
    },
    events: Stream.suspend(() => driver.events).pipe(
      Stream.catchAllCause((cause) => Stream.fail(failureOf("events", cause))),
      Stream.mapEffect((event) =>
        Either.match(decodeEvent(event), {
          // An event that can't be read is evidence of nothing; the stream and its other events go on.
          onLeft: (problem) =>
            Effect.logWarning(`Plugin ${plugin} sent an event of the wrong shape: ${describeProblem(problem)}`).pipe(
              Effect.as(Option.none())
            ),
          onRight: (right) => Effect.succeed(Option.some(right))
        })
      ),
      Stream.filterMap((event) => event),
      Stream.withSpan("transport.events", span("events"))
    )
  }
}
