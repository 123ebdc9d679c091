import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { PaneIdentity } from "../domain/pane.ts"
import {
  ProviderFailure,
  type AgentProcess,
  type CommandPlan,
  type CommandRequest,
  type HostProcess,
  type ProcessEvidence,
  type ProviderAgent,
  type ProviderDriver,
  type RecognisedProcess,
  type SessionHolder,
  type StartProblem
} from "./provider-driver.ts"
import {
  TransportFailure,
  type Key,
  type PaneInspection,
  type PaneListing,
  type Screen,
  type SpawnRequest,
  type StopReport,
  type TransportDriver,
  type TransportEvent
} from "./transport-driver.ts"

// For authors who write async functions: a driver from an object of them. Each is handed an AbortSignal as its last
// argument, aborted when nobody waits for the answer any more.

/**
 * A transport in async functions. What they reject with becomes a `TransportFailure`: `{ reason: "Gone" | "Foreign" |
 * "Refused", detail }` keeps its reason, anything else is `Unreachable`, which is evidence of nothing.
 */
export interface PromiseTransport {
  readonly capabilities: TransportDriver["capabilities"]
  readonly spawn: (request: SpawnRequest, signal: AbortSignal) => Promise<PaneIdentity>
  readonly list: (signal: AbortSignal) => Promise<PaneListing>
  /** A rejection is the state `unknown`. */
  readonly inspect: (pane: PaneIdentity, signal: AbortSignal) => Promise<PaneInspection>
  readonly capture: (pane: PaneIdentity, signal: AbortSignal) => Promise<Screen>
  readonly leaveModes: (pane: PaneIdentity, signal: AbortSignal) => Promise<void>
  readonly paste: (pane: PaneIdentity, text: string, signal: AbortSignal) => Promise<void>
  readonly press: (pane: PaneIdentity, keys: ReadonlyArray<Key>, signal: AbortSignal) => Promise<void>
  readonly interrupt: (pane: PaneIdentity, signal: AbortSignal) => Promise<void>
  readonly stop: (
    pane: PaneIdentity,
    options: { readonly graceMs: number },
    signal: AbortSignal
  ) => Promise<StopReport>
  /** What happens from now on; ends when the signal is aborted. */
  readonly events: (signal: AbortSignal) => AsyncIterable<TransportEvent>
  /** Ends the server if nothing of anybody's lives on it; answers whether it did. */
  readonly closeHome?: (signal: AbortSignal) => Promise<boolean>
  readonly attachCommand?: ReadonlyArray<string> | null
  readonly residence?: string | null
}

type Asked = "command" | "reportedSession" | "processEvidence" | "sessionHolders" | "recognise" | "checkStart"

type Promised<A> = Promise<A> | Effect.Effect<A, ProviderFailure>

/**
 * A provider in async functions; what is pure stays as it is. Rejections become `ProviderFailure`s: "not known", never
 * "no".
 */
export interface PromiseProvider extends Omit<ProviderDriver, Asked> {
  readonly command: (request: CommandRequest, signal: AbortSignal) => Promise<CommandPlan>
  readonly reportedSession: (
    process: { readonly pid: number; readonly screen: Screen; readonly agent: ProviderAgent },
    signal: AbortSignal
  ) => Promise<string | null>
  // A part of a driver in Effect may stand here as it is.
  readonly processEvidence?: (process: AgentProcess, signal: AbortSignal) => Promised<ProcessEvidence | null>
  readonly sessionHolders?: (
    agent: ProviderAgent,
    sessionId: string,
    signal: AbortSignal
  ) => Promised<ReadonlyArray<SessionHolder>>
  readonly recognise?: (process: HostProcess, signal: AbortSignal) => Promised<RecognisedProcess | null>
  readonly checkStart?: (
    agent: ProviderAgent,
    env: Readonly<Record<string, string>>,
    signal: AbortSignal
  ) => Promised<ReadonlyArray<StartProblem>>
}

const Rejection = Schema.Struct({
  reason: Schema.Literal("Gone", "Foreign", "Unreachable", "Refused"),
  detail: Schema.optional(Schema.String),
  message: Schema.optional(Schema.String)
})
const decodeRejection = Schema.decodeUnknownOption(Rejection)

const sentenceOf = (rejection: unknown): string => {
  if (typeof rejection === "object" && rejection !== null) {
    if ("detail" in rejection && typeof rejection.detail === "string") return rejection.detail
    if ("message" in rejection && typeof rejection.message === "string") return rejection.message
  }
  return typeof rejection === "string" ? rejection : "It was rejected with no reason."
}

const fromPromiseTransport = (name: string, transport: PromiseTransport): TransportDriver => {
  const failure = (operation: string, rejection: unknown) =>
    new TransportFailure({
      transport: name,
      operation,
      reason: decodeRejection(rejection).pipe(
        Option.match({ onNone: () => "Unreachable", onSome: ({ reason }) => reason })
      ),
      detail: sentenceOf(rejection)
    })
  const attempt = <A>(operation: string, run: (signal: AbortSignal) => PromiseLike<A>) =>
    Effect.tryPromise({ try: run, catch: (rejection) => failure(operation, rejection) })
  const events = Effect.gen(function*() {
    const controller = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort())
    )
    const iterator = yield* Effect.try({
      try: () => transport.events(controller.signal)[Symbol.asyncIterator](),
      catch: (rejection) => failure("events", rejection)
    })
    // Aborted first and not waited for: a generator that stands in an await would not hear of its end otherwise.
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        controller.abort()
        iterator.return?.().then(undefined, () => undefined)
      })
    )
    return Stream.repeatEffectOption(
      Effect.tryPromise({
        try: () => iterator.next(),
        catch: (rejection) => Option.some(failure("events", rejection))
      }).pipe(
        Effect.flatMap((next) => next.done === true ? Effect.fail(Option.none()) : Effect.succeed(next.value))
      )
    )
  })
  return {
    capabilities: transport.capabilities,
    attachCommand: transport.attachCommand ?? null,
    residence: transport.residence ?? null,
    ...transport.closeHome === undefined ? {} : {
      // Called on the author's own object, which may be an instance of a class.
      closeHome: attempt("closeHome", (signal) => transport.closeHome?.(signal) ?? Promise.resolve(false))
    },
    spawn: (request) => attempt("spawn", (signal) => transport.spawn(request, signal)),
    list: attempt("list", (signal) => transport.list(signal)),
    inspect: (pane) =>
      attempt("inspect", (signal) => transport.inspect(pane, signal)).pipe(
        Effect.catchAll((rejection) =>
          Effect.succeed<PaneInspection>({ state: "unknown", evidence: rejection.detail, exit: null })
        )
      ),
    capture: (pane) => attempt("capture", (signal) => transport.capture(pane, signal)),
    leaveModes: (pane) => attempt("leaveModes", (signal) => transport.leaveModes(pane, signal)),
    paste: (pane, text) => attempt("paste", (signal) => transport.paste(pane, text, signal)),
    press: (pane, keys) => attempt("press", (signal) => transport.press(pane, keys, signal)),
    interrupt: (pane) => attempt("interrupt", (signal) => transport.interrupt(pane, signal)),
    stop: (pane, options) => attempt("stop", (signal) => transport.stop(pane, options, signal)),
    events: Stream.unwrapScoped(events)
  }
}

const fromPromiseProvider = (name: string, provider: PromiseProvider): ProviderDriver => {
  const attempt = <A>(operation: string, run: (signal: AbortSignal) => PromiseLike<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (rejection) => new ProviderFailure({ provider: name, operation, detail: sentenceOf(rejection) })
    })
  const settle = <A>(operation: string, run: (signal: AbortSignal) => Promised<A>): Effect.Effect<A, ProviderFailure> =>
    Effect.flatMap(
      attempt(operation, async (signal): Promise<Effect.Effect<A, ProviderFailure>> => {
        const answer = run(signal)
        return Effect.isEffect(answer) ? answer : Effect.succeed(await answer)
      }),
      (answer) => answer
    )
  const { checkStart, processEvidence, recognise, sessionHolders } = provider
  return {
    capabilities: provider.capabilities,
    executables: provider.executables,
    // Called on the author's own object, which may be an instance of a class.
    checkOptions: (options) => provider.checkOptions(options),
    command: (request) => attempt("command", (signal) => provider.command(request, signal)),
    sessionAddress: (agent, sessionId) => provider.sessionAddress(agent, sessionId),
    readTranscript: (head, context) => provider.readTranscript(head, context),
    holdsUserMessage: (tail, text) => provider.holdsUserMessage(tail, text),
    classify: (screen) => provider.classify(screen),
    startupPrompt: (screen) => provider.startupPrompt(screen),
    approvalPrompt: (screen) => provider.approvalPrompt(screen),
    draft: (screen) => provider.draft(screen),
    reportedSession: (process) => attempt("reportedSession", (signal) => provider.reportedSession(process, signal)),
    explainExit: (end) => provider.explainExit(end),
    ...processEvidence === undefined ? {} : {
      processEvidence: (process) =>
        settle("processEvidence", (signal) => processEvidence.call(provider, process, signal))
    },
    ...sessionHolders === undefined ? {} : {
      sessionHolders: (agent, sessionId) =>
        settle("sessionHolders", (signal) => sessionHolders.call(provider, agent, sessionId, signal))
    },
    ...recognise === undefined ? {} : {
      recognise: (process) => settle("recognise", (signal) => recognise.call(provider, process, signal))
    },
    ...checkStart === undefined ? {} : {
      checkStart: (agent, env) => settle("checkStart", (signal) => checkStart.call(provider, agent, env, signal))
    },
    ...provider.login === undefined ? {} : { login: (agent, env) => provider.login?.(agent, env) ?? { variables: [], stored: false } },
    ...provider.trouble === undefined ? {} : { trouble: (screen, saidAt) => provider.trouble?.(screen, saidAt) ?? null },
    ...provider.lastTurnAt === undefined ? {} : { lastTurnAt: (tail) => provider.lastTurnAt?.(tail) ?? null },
    ...provider.composer === undefined ? {} : { composer: provider.composer },
    ...provider.userMessages === undefined ? {} : { userMessages: (tail) => provider.userMessages?.(tail) ?? [] },
    ...provider.scrubbed === undefined ? {} : { scrubbed: provider.scrubbed },
    ...provider.kept === undefined ? {} : { kept: provider.kept },
    ...provider.permissionModes === undefined ? {} : { permissionModes: provider.permissionModes },
    ...provider.permissionAliases === undefined ? {} : { permissionAliases: provider.permissionAliases },
    ...provider.defaultPermissions === undefined ? {} : { defaultPermissions: provider.defaultPermissions },
    ...provider.pasteSettleMs === undefined ? {} : { pasteSettleMs: provider.pasteSettleMs }
  }
}

/**
 * A driver from plain async functions, for authors who know no Effect.
 *
 * @example
 * ```ts
 * import { definePlugin, Effect, fromPromises, Schema } from "reprise/plugin"
 *
 * export default definePlugin({
 *   name: "transport-wall",
 *   api: 1,
 *   needs: {},
 *   options: Schema.Struct({}),
 *   setup: () => Effect.succeed({ transports: { wall: fromPromises("wall", { spawn: async (request) => ... }) } })
 * })
 * ```
 */
export function fromPromises(name: string, transport: PromiseTransport): TransportDriver
export function fromPromises(name: string, provider: PromiseProvider): ProviderDriver
export function fromPromises(
  name: string,
  driver: PromiseTransport | PromiseProvider
): TransportDriver | ProviderDriver {
  return "spawn" in driver ? fromPromiseTransport(name, driver) : fromPromiseProvider(name, driver)
}
