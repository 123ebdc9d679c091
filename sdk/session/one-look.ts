import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

// Many agents are asked about, and their answers lie in few places: within one look, each place is read once.

/** Which look is being taken; null for none, in which all is read anew. */
class Look extends Context.Reference<Look>()("reprise/session/Look", {
  defaultValue: (): { readonly taken: object | null } => ({ taken: null })
}) {}

/** Takes one look: what it asks `onceALook` readers for twice, it is told once. */
export const inOneLook = <A, E, R>(look: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => Effect.provideService(look, Look, { taken: {} }))

/** A reader of places that reads each of them once a look. */
export const onceALook = <P, A, R>(
  read: (place: P) => Effect.Effect<A, never, R>,
  keyOf: (place: P) => string
): ((place: P) => Effect.Effect<A, never, R>) => {
  const looks = new WeakMap<object, Map<string, Effect.Effect<A, never, R>>>()
  return (place) =>
    Effect.flatMap(Look, ({ taken }) => {
      if (taken === null) return read(place)
      const answers = looks.get(taken) ?? new Map<string, Effect.Effect<A, never, R>>()
      looks.set(taken, answers)
      const known = answers.get(keyOf(place))
      if (known !== undefined) return known
      return Effect.flatMap(Effect.cached(read(place)), (answer) => {
        answers.set(keyOf(place), answer)
        return answer
      })
    })
}
