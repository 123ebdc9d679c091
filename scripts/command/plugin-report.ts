import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type ConsentAsked, describeSubject, PluginHost, PluginMissing, PluginRejected, type RepriseLive } from "../../sdk/index.ts"
import { ask } from "./decisions.ts"
import type { Document } from "./document.ts"
import { word } from "./restart-options.ts"

/**
 * What a verb does where a plugin was rejected. `needed`: it is refused if the user named the plugin. `reported`: it goes
 * on, and fails at its end if the user named the plugin. `ignored`: it loads no plugin.
 */
export type PluginUse = "needed" | "reported" | "ignored"

/** Loads every listed plugin; answers with those that were rejected. */
export const loadListed: Effect.Effect<ReadonlyArray<PluginRejected>, never, PluginHost> = Effect.gen(function*() {
  const host = yield* PluginHost
  // No provider has this name, so everything on the list is loaded for it.
  yield* Effect.either(host.provider(""))
  return yield* host.rejected
})

/** What was typed, with `--trust DIGEST` added: the command that goes on. */
export const trusting = (verb: string, typed: ReadonlyArray<string>) => (digest: string): string =>
  ["reprise", verb, "--trust", digest, ...typed.map(word)].join(" ")

const say = (sentence: string) => Effect.sync(() => void process.stderr.write(`${sentence}\n`))

const askAtTerminal = (asked: ConsentAsked): Effect.Effect<boolean> =>
  Effect.zipRight(say(`Plugin ${asked.spec}: ${describeSubject(asked.subject)}`), ask("Import and run it, now and later, as long as none of this changes? [y/N] "))

/** What counts as consent in a command. */
export type CommandConsent = Parameters<typeof RepriseLive.commandLayer>[0]["consent"]

/** How the user of a command consents: by its options, or by an answer at the terminal to what the command line names. */
export const consentOf = (
  { allowed, json, named, trusted }: {
    readonly named: ReadonlyArray<string>
    readonly allowed: ReadonlyArray<string>
    readonly trusted: ReadonlyArray<string>
    readonly json: boolean
  }
): CommandConsent => ({
  named,
  allowed,
  trusted,
  ask: !json && process.stdin.isTTY === true && process.stderr.isTTY === true ? askAtTerminal : null,
  say
})

const warning = ({ message, plugin, spec, stage }: PluginRejected) => ({ agent: null, problem: message, plugin: plugin ?? spec, stage })

const digests = (rejected: ReadonlyArray<PluginRejected>): ReadonlyArray<string> =>
  rejected.flatMap(({ consent }) => consent === undefined ? [] : [consent.digest])

const outcomeOf = (rejected: ReadonlyArray<PluginRejected>): string =>
  rejected.some(({ stage }) => stage === "consent") ? "consent_missing" : "plugin_rejected"

const detailsOf = (rejected: ReadonlyArray<PluginRejected>) => ({
  rejected: rejected.map(({ consent, detail, plugin, spec, stage }) => ({ spec, plugin, stage, detail, consent: consent ?? null }))
})

const sentences = (rejected: ReadonlyArray<PluginRejected>): string => rejected.map(({ message }) => message).join(" ")

/** The refusal of a verb that was given these plugins. */
export const rejectedDocument = (rejected: ReadonlyArray<PluginRejected>, again: (digest: string) => string): Document => ({
  outcome: outcomeOf(rejected),
  ok: false,
  message: `${sentences(rejected)} Nothing was done.`,
  next: digests(rejected).length === 0 ? ["reprise status"] : digests(rejected).map(again),
  details: detailsOf(rejected)
})

/** Tells the user which plugins were rejected, before the verb goes on without them. */
export const tellRejected = (rejected: ReadonlyArray<PluginRejected>) =>
  Effect.forEach(rejected, ({ message }) => say(`Warning: ${message}`), { discard: true })

/** The answer of a verb that went on without rejected plugins; a failure where the user had named one. */
export const withRejected = (
  document: Document,
  { again, named, rejected }: {
    readonly rejected: ReadonlyArray<PluginRejected>
    readonly named: ReadonlyArray<string>
    readonly again: (digest: string) => string
  }
): Document => {
  if (rejected.length === 0) return document
  const before = document["warnings"]
  const warned = { ...document, warnings: [...Array.isArray(before) ? before : [], ...rejected.map(warning)] }
  const refused = rejected.filter(({ spec }) => named.includes(spec))
  const message = [document.message, ...rejected.flatMap((one) => document.message.includes(one.message) ? [] : one.message)].join(" ").trim()
  if (refused.length === 0 || !document.ok) return { ...warned, message }
  return {
    ...warned,
    outcome: outcomeOf(refused),
    ok: false,
    message,
    next: [...digests(refused).map(again), ...document.next],
    details: { ...detailsOf(refused), outcome: document.outcome }
  }
}

/** The digests that the user would have to consent to for this to succeed. */
export const digestsOf = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => {
  const failure = Either.getLeft(Cause.failureOrCause(cause))
  const error = failure._tag === "Some" ? failure.value : null
  return error instanceof PluginMissing ? digests(error.rejected) : error instanceof PluginRejected ? digests([error]) : []
}
