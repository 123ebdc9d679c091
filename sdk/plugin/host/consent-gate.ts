import * as Effect from "effect/Effect"
import type { ConsentSubject } from "../../consent/consent.ts"
import type { ConsentStore, ConsentStoreUnusable } from "../../consent/ConsentStore.ts"
import type * as Context from "effect/Context"
import { plain } from "./needs.ts"

/** A plugin whose consent is asked for, by the spec that named it. */
export interface ConsentAsked {
  readonly spec: string
  readonly subject: ConsentSubject
}

/** Decides whether a plugin may be imported: null where it may, else a sentence that says why not. */
export interface ConsentGate {
  readonly demand: (asked: ConsentAsked) => Effect.Effect<string | null>
}

/** How a command's user consents. */
export interface GateOptions {
  /** Specs of `--allow-plugin`. */
  readonly allowed: ReadonlyArray<string>
  /** Digests of `--trust`. */
  readonly trusted: ReadonlyArray<string>
  /** Specs that the user named on the command line and may be asked about. */
  readonly named: ReadonlyArray<string>
  /** Asks the user; null where there is no terminal to ask at. */
  readonly ask: ((asked: ConsentAsked) => Effect.Effect<boolean>) | null
  /** Tells the user what was consented to, or why it could not be stored. */
  readonly say: (sentence: string) => Effect.Effect<void>
}

/** What consent grants and covers, in one sentence. */
export const describeSubject = ({ covers, grants, path }: ConsentSubject): string => {
  const shown = covers.slice(0, 5).join(", ")
  const rest = covers.length > 5 ? ` and ${covers.length - 5} more` : ""
  return plain(`${path} asks to ${grants.join("; ")}. The consent covers ${covers.length === 1 ? "the file" : `${covers.length} files:`} ${shown}${rest}.`)
}

type Store = Context.Tag.Service<typeof ConsentStore>

/** Why a plugin that is not consented to is not: never asked, or changed since. */
const absence = (store: Store, { subject }: ConsentAsked): Effect.Effect<string> =>
  Effect.match(store.list, {
    onFailure: () => "you have not consented to it",
    onSuccess: ({ consents }) => {
      const before = consents.findLast(({ kind, path }) => kind === subject.kind && path === subject.path)
      if (before === undefined) return "you have not consented to it"
      return before.grants.join() === subject.grants.join()
        ? `its content has changed since you consented to it (${before.at})`
        : `what it asks for has changed since you consented to it (${before.at}; then: ${before.grants.join("; ")})`
    }
  })

/** The gate of a command: stored consents, and what its options say. */
export const consentGate = (store: Store, options: GateOptions): ConsentGate => {
  const keep = ({ spec, subject }: ConsentAsked) =>
    store.give(subject).pipe(
      Effect.zipRight(options.say(`You consented to plugin ${spec}: ${describeSubject(subject)} To take it back: reprise trust revoke ${subject.digest}`)),
      Effect.catchTag("ConsentStoreUnusable", ({ message }) =>
        options.say(`Warning: your consent to plugin ${spec} could not be stored and holds for this command only. ${message}`))
    )
  const given = (asked: ConsentAsked): boolean =>
    options.allowed.includes(asked.spec) || options.trusted.includes(asked.subject.digest)

  const demand = (asked: ConsentAsked): Effect.Effect<string | null> =>
    Effect.gen(function*() {
      const stored = yield* Effect.either<boolean, ConsentStoreUnusable, never>(store.has(asked.subject))
      if (stored._tag === "Right" && stored.right) return null
      if (given(asked)) return yield* Effect.as(keep(asked), null)
      const why = stored._tag === "Left" ? stored.left.message : yield* absence(store, asked)
      if (options.ask !== null && options.named.includes(asked.spec)) {
        if (yield* options.ask(asked)) return yield* Effect.as(keep(asked), null)
        return "you did not consent to it"
      }
      return why
    })
  return { demand }
}
