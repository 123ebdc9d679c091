import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { converge } from "../../sdk/lifecycle/converge.ts"
import { observeTeam } from "../../sdk/lifecycle/observe.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { makeWorld } from "./world.ts"

describe("the passes of convergence", () => {
  it.scopedLive("keep a least distance in a directory that is written to all the time", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      world.script.set("one", { transcript: "never" })
      yield* world.up("alpha", { one: { provider: "found" } })
      yield* world.firstSend("one")
      const team = yield* world.team()
      let passes = 0
      const seen = yield* world.run(Effect.gen(function*() {
        const host = yield* PluginHost
        const [transport, found] = yield* Effect.all([host.transport("memory"), host.provider("found")])
        return { observation: yield* observeTeam(team, transport), found }
      }))
      const files = yield* Effect.provide(FileSystem.FileSystem, NodeContext.layer)
      const converged = yield* converge({
        team,
        teams: [team],
        targets: new Set(team.agents.map(({ spec }) => spec.id)),
        observation: seen.observation,
        findProvider: () => seen.found,
        withinMs: 400,
        pollMs: 400,
        allowFresh: false,
        record: (state) => Effect.succeed(state),
        announce: false
      }).pipe(Effect.provideService(FileSystem.FileSystem, {
        ...files,
        readDirectory: (path, options) => Effect.suspend(() => {
          passes += 1
          return files.readDirectory(path, options)
        }),
        watch: (path) => Stream.make(FileSystem.WatchEventUpdate({ path }))
      }))
      assert.isFalse(converged.convergence.complete)
      assert.isAtLeast(passes, 2)
      assert.isAtMost(passes, 10)
    }))
})

describe("a transcript whose last line is torn", () => {
  it.scopedLive("is continued, and the decision says what may be lost", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      Fs.appendFileSync((yield* world.agent("one")).session?.transcript ?? join("/", "nowhere"), "{\"role\":\"us")
      const plan = yield* world.plan()
      const [one, two] = plan.agents.map(({ decided }) => decided.decision)
      assert.deepStrictEqual([one?.kind, two?.kind], ["resume", "resume"])
      assert.isTrue(one?.why.some((why) => why.includes("torn")), one?.why.join("; "))
      assert.isFalse(two?.why.some((why) => why.includes("torn")))
    }))
})
