import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Supervise from "../../sdk/coordinator/Supervise.ts"
import { type AnyPolicy, withBudget, refuse, standard } from "../../sdk/policy/Policy.ts"
import type { World } from "../lifecycle/world.ts"

/** As often as a test likes. */
export const unbounded = <E, R>(policy: AnyPolicy<E, R>) =>
  withBudget({ restarts: 1000, per: "1 day", exceeded: refuse("spent", "it was too often") })(policy)

/** A supervisor beside the world, and what it said. It ends with the scope. */
export const superviseWorld = <E = never>(
  world: World,
  policy: AnyPolicy<E, never> = unbounded(standard),
  options: Supervise.SuperviseOptions = {}
) =>
  Effect.gen(function*() {
    const said: Array<string> = []
    const fiber = yield* world.run(Supervise.supervise("alpha", policy, {
      stagger: 0,
      stableFor: 0,
      lookEvery: "50 millis",
      say: (sentence) => Effect.sync(() => said.push(sentence)),
      ...options
    })).pipe(Effect.forkScoped)
    /** As a kill does, but for what a scope gives back. */
    const end = Fiber.interrupt(fiber)
    return { said, fiber, end, heard: (words: string) => said.some((sentence) => sentence.includes(words)) }
  })
