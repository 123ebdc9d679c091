import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

/**
 * One look at a place for all who ask at the same time. A look that has begun is joined by nobody: no answer is older than
 * its question.
 */
export const sharedLook = <K, A, E>(look: (place: K) => Effect.Effect<A, E>): ((place: K) => Effect.Effect<A, E>) => {
  const awaited = new Map<K, Deferred.Deferred<A, E>>()
  const taken = (place: K) =>
    Effect.yieldNow().pipe(
      Effect.zipRight(Effect.suspend(() => {
        awaited.delete(place)
        return look(place)
      }))
    )
  return (place) =>
    // What others may have joined is begun, whatever becomes of whoever asked first.
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const joined = awaited.get(place)
        if (joined !== undefined) return restore(Deferred.await(joined))
        const answer = Deferred.unsafeMake<A, E>(FiberId.none)
        awaited.set(place, answer)
        return restore(taken(place)).pipe(
          Effect.intoDeferred(answer),
          // Apart from whoever asked first: the others need it also when that one is interrupted.
          Effect.forkDaemon,
          Effect.zipRight(restore(Deferred.await(answer)))
        )
      }))
}
