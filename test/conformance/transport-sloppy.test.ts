import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { transportChecks, transportOf } from "reprise/testing"
import plugin, { blindness } from "../outsiders/transports/sloppy.ts"

const mistakes = [
  "argv, directory and environment arrive exactly",
  "nothing is inherited in the environment",
  "a failed query is a failure, not an empty listing",
  "closing the scope ends the agents",
  "a paste of several lines arrives whole and is not submitted",
  "keys arrive, in order",
  "two megabytes arrive or are refused",
  "a paste into a dead pane is a typed failure, and the others live on",
  "an exit code arrives with the event",
  "a killed process is dead, with its signal where that is promised",
  "stop ends the whole tree, also who ignores signals in a session of its own",
  "a process that does not listen is killed after the grace",
  "a pane with another start time is not alive, and its process is never signalled"
]

it.live("the suite finds the mistakes of a sloppy transport", () =>
  Effect.gen(function*() {
    const checks = transportChecks(transportOf(plugin, "sloppy"), {
      patienceMs: 2000,
      breakQueries: (driver) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            blindness.blind = true
            return driver
          }),
          () => Effect.sync(() => {
            blindness.blind = false
          })
        )
    })
    const failed = yield* Effect.filter(checks, ({ run }) => Effect.map(Effect.either(run), ({ _tag }) => _tag === "Left"))
    const names = failed.map(({ name }) => name)
    expect(mistakes.filter((name) => !names.includes(name))).toEqual([])
    // It does start programs, so that not all fails for one reason.
    expect(names).not.toContain("spawn answers with the whole identity")
  }), 120_000)
