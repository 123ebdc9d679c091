import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as RepriseLive from "./RepriseLive.ts"
import type { RepriseOptions, RepriseServices } from "./RepriseLive.ts"

type AnyLayer = Layer.Layer<never, unknown>

/** What some layers give; nothing where there are none (`Layer.Success` of no layer is anything at all). */
type Provided<L> = L extends Layer.Layer<infer Services, infer _E, infer _R> ? Services : never

/** A sentence for whatever ended a script. */
export const sentenceOf = (cause: Cause.Cause<unknown>): string => {
  if (Cause.isInterruptedOnly(cause)) return "It was interrupted."
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

interface Outcome {
  readonly ok: boolean
  readonly message: string
}

const isOutcome = (value: unknown): value is Outcome =>
  typeof value === "object" && value !== null && "ok" in value && typeof value.ok === "boolean" &&
  "message" in value && typeof value.message === "string"

/** Shows what a script ended with: a text as it is, an outcome by its sentence and exit code. */
const show = (value: unknown): Effect.Effect<void> =>
  Effect.sync(() => {
    if (typeof value === "string") process.stdout.write(`${value}\n`)
    else if (isOutcome(value)) {
      process.stdout.write(`${value.message}\n`)
      if (!value.ok) process.exitCode = 1
    }
  })

/**
 * Always so: the overloads of `run` have checked that the layers give all that is left. It stands for what the compiler
 * can't follow through a list of layers, and is the one place where it does.
 */
const needsNothingMore = <A, E>(
  _effect: Effect.Effect<A, E, unknown>
): _effect is Effect.Effect<A, E, RepriseServices> => true

const isList = (provide: AnyLayer | ReadonlyArray<AnyLayer>): provide is ReadonlyArray<AnyLayer> => Array.isArray(provide)

/** Provides layers whose services the compiler has checked against the effect in the signature of `run`. */
const complete = <A, E>(
  effect: Effect.Effect<A, E, unknown>,
  provide: AnyLayer | ReadonlyArray<AnyLayer> | undefined
): Effect.Effect<A, unknown, RepriseServices> => {
  let provided: Effect.Effect<A, unknown, unknown> = effect
  for (const layer of provide === undefined ? [] : isList(provide) ? provide : [provide]) {
    provided = Effect.provide(provided, layer)
  }
  return needsNothingMore(provided) ? provided : Effect.dieMessage("The services of a script were not all provided.")
}

/**
 * Runs a script: opens the workspace, provides what Reprise gives and what `provide` adds, shows the outcome and sets the
 * exit code (0 done, 1 refused or failed). A service that nobody provides is a compile error that names it.
 *
 * @example
 * ```ts
 * import { Grants, Policy, Restart, run } from "reprise"
 *
 * run(Restart.restart("alpha", Policy.fresh), { provide: Grants.discardContext("a rehearsal, nothing to keep") })
 * ```
 */
export function run<A, E>(effect: Effect.Effect<A, E, RepriseServices>, options?: RepriseOptions): void
export function run<A, E, const Layers extends ReadonlyArray<AnyLayer>>(
  effect: Effect.Effect<A, E, RepriseServices | Provided<Layers[number]>>,
  options: RepriseOptions & { readonly provide: Layers }
): void
export function run<A, E, R, E2>(
  effect: Effect.Effect<A, E, RepriseServices | R>,
  options: RepriseOptions & { readonly provide: Layer.Layer<R, E2> }
): void
export function run<A, E>(
  effect: Effect.Effect<A, E, unknown>,
  options: RepriseOptions & { readonly provide?: AnyLayer | ReadonlyArray<AnyLayer> } = {}
): void {
  const program = complete(effect, options.provide).pipe(
    Effect.flatMap(show),
    Effect.provide(Layer.merge(
      RepriseLive.layer(options),
      // Standard output belongs to what the script shows.
      Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger))
    )),
    Effect.catchAllCause((cause) =>
      Effect.sync(() => {
        process.stderr.write(`${sentenceOf(cause)}\n`)
        process.exitCode = 1
      })
    )
  )
  NodeRuntime.runMain(program, { disableErrorReporting: true, disablePrettyLogger: true })
}
