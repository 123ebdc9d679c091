import * as Effect from "effect/Effect"

/** A module that is loaded when it is first needed, and is at hand from then on: nobody waits for it a second time. */
export const loaded = <A>(load: () => Promise<A>): Effect.Effect<A> => {
  let known: { readonly value: A } | null = null
  return Effect.suspend(() =>
    known === null
      ? Effect.tap(Effect.promise(load), (value) => {
        known = { value }
      })
      : Effect.succeed(known.value))
}
