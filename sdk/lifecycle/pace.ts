import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { elapsedMillis } from "../domain/elapsed.ts"

/**
 * Keeps starts that share a login apart: a CLI that renews its login at its start must not meet itself doing so. Called
 * before each start with what names the login. A person's restart keeps no distance.
 */
export class StartPace extends Context.Reference<StartPace>()("reprise/StartPace", {
  defaultValue: (): { readonly before: (credential: string) => Effect.Effect<void> } => ({ before: () => Effect.void })
}) {}

/** A pace that lets so much time pass between two starts with one login; the first of them waits for nobody. */
export const makePace = (apartMs: number): Effect.Effect<typeof StartPace.Service> =>
  Effect.sync(() => {
    const free = new Map<string, number>()
    return {
      before: (credential: string) =>
        Effect.flatMap(elapsedMillis, (now) => {
          const at = Math.max(now, free.get(credential) ?? now)
          free.set(credential, at + apartMs)
          return at > now ? Effect.sleep(at - now) : Effect.void
        })
    }
  })
