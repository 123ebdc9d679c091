import { assert, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ProviderAgent } from "reprise/plugin"
import type { Event } from "../../sdk/domain/event.ts"
import * as EventLogMemory from "../../sdk/event-log/EventLogMemory.ts"
import { fold } from "../../sdk/event-log/fold.ts"
import { agentOf, type TeamState } from "../../sdk/event-log/TeamState.ts"
import { HostEnvironment } from "../../sdk/lifecycle/operation.ts"
import { planSpawn } from "../../sdk/lifecycle/spawn.ts"
import { agent, intended, recorded, team } from "../event-log/samples.ts"
import { scriptedProvider } from "./scripted-cli.ts"

/** Where a fork of coder-1 looks, whose spawn kept its account and configuration in `home`. */
const homeOfFork = (home: string, provider: string) =>
  Effect.gen(function*() {
    const spawn = intended("alpha", "coder-1", 1)
    const events: ReadonlyArray<Event> = [
      recorded("alpha"),
      { ...spawn, launch_context: { ...spawn.launch_context, provider, configHome: home } },
      { type: "agent.forked", team: team("alpha"), agent: agent("coder-2"), generation: 0, source_agent: agent("coder-1"), source_session_id: "s-1" }
    ]
    const state = events.reduce<TeamState | undefined>(
      (before, event, position) => fold(before, { _tag: "Event", position, at: "2026-01-01T00:00:00.000Z", event }),
      undefined
    )
    const copy = state === undefined ? undefined : agentOf(state, "coder-2")
    if (state === undefined || copy === undefined) return yield* Effect.dieMessage("the fork is not there")
    const asked: Array<ProviderAgent> = []
    const driver = scriptedProvider({ preassigned: true })
    const plan = yield* planSpawn(state, copy, {
      ...driver,
      name: "fake",
      plugin: "test",
      command: (request) => {
        asked.push(request.agent)
        return driver.command({ ...request, agent: { ...request.agent, options: { directory: "." } } })
      },
      sessionAddress: () => ({ directory: "/nowhere", transcript: null })
    }, "fresh", "keep")
    assert.strictEqual(plan.mode, "fork")
    return asked.map(({ configHome, startedAt }) => ({ configHome, startedAt }))
  }).pipe(Effect.provide(Layer.mergeAll(Layer.succeed(HostEnvironment, {}), EventLogMemory.layer, NodeContext.layer)))

it.effect("a fork looks for the conversation where its source has it, whatever the environment says now", () =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* homeOfFork("/srv/accounts/ada", "fake"), [{ configHome: "/srv/accounts/ada", startedAt: null }])
    // Another CLI's home is none for it.
    assert.deepStrictEqual(yield* homeOfFork("/srv/accounts/ada", "another"), [{ configHome: null, startedAt: null }])
  }))
