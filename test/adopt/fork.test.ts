import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, renameSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Adopt, Fork, Launch, Policy, Restart, Send, Shutdown, Status } from "reprise"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { eventually, hasTmux, kill, makeWorld } from "./world.ts"

// An agent that begins with a copy of another's conversation, which goes on as it was.

const said = (world: Effect.Effect.Success<typeof makeWorld>, session: string, text: string) =>
  eventually(`${text} in ${session}`, () => world.saidIn(session).trim().split("\n").at(-1)?.includes(text) === true)

describe.skipIf(!hasTmux)("fork", () => {
  it.scopedLive("a copy knows what was said before and nothing of what comes, and comes back as its own", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const file = yield* parseTeamFile(
        JSON.stringify({ name: "alpha", defaults: { provider: "fake", options: { root: world.root, turn: 1 } }, agents: { one: { cwd: "sub" }, two: {} } }),
        { file: "team.yaml", workspace: world.workspace }
      )
      mkdirSync(join(world.workspace, "sub"))
      yield* world.run(Launch.up(file, { workspace: world.workspace, transport: "tmux", plugins: [] }))
      yield* world.run(Send.send("alpha", "one", "the fig"))
      yield* world.run(Send.send("alpha", "two", "the quince"))
      const forked = yield* world.run(Fork.fork("alpha", "one", "three"))
      assert.strictEqual(forked.outcome, "forked", forked.message)
      assert.lengthOf(forked.agents, 1)
      const state = yield* world.run(Status.status("alpha"))
      const [one, two, three] = state.agents
      assert.strictEqual(forked.source.session, one?.session?.id)
      assert.strictEqual(new Set([one, two, three].map((agent) => agent?.session?.id)).size, 3)
      assert.isNotNull(three?.session)
      assert.deepStrictEqual([one?.generation, two?.generation, three?.generation], [1, 1, 1])
      const own = three?.session?.id ?? ""
      yield* world.run(Send.send("alpha", "one", "the medlar"))
      yield* world.run(Send.send("alpha", "three", "the sloe"))

      for (const [from, to, reason] of [["one", "two", "AgentExists"], ["one", "No", "BadName"]] as const) {
        const refused = yield* Effect.either(world.run(Fork.fork("alpha", from, to)))
        assert.isTrue(Either.isLeft(refused) && refused.left._tag === "ForkRefused" && refused.left.reason === reason, reason)
      }
      renameSync(join(world.workspace, "sub"), join(world.workspace, "away"))
      const impossible = yield* world.run(Fork.fork("alpha", "one", "four"))
      assert.isFalse(impossible.ok, impossible.message)
      renameSync(join(world.workspace, "away"), join(world.workspace, "sub"))
      const unchanged = yield* world.run(Status.status("alpha"))
      assert.deepStrictEqual(unchanged.agents.map(({ id }) => id), ["one", "two", "three"])

      const nobody = yield* Effect.either(world.run(Fork.fork("alpha", "nobody", "four")))
      assert.isTrue(Either.isLeft(nobody) && nobody.left._tag === "AgentUnknown")

      for (const server of world.servers()) yield* kill(server)
      for (const agent of state.agents) if (agent.pid !== null) yield* Effect.ignore(Effect.try(() => process.kill(agent.pid ?? 0, "SIGKILL")))
      const back = yield* world.run(Restart.restart("alpha", Policy.standard))
      assert.strictEqual(back.outcome, "restarted", back.message)
      assert.deepStrictEqual(back.agents.map(({ result }) => result), ["resumed", "resumed", "resumed"])
      yield* world.run(Send.send("alpha", "three", "recall"))
      yield* said(world, own, "the fig")
      assert.include(world.saidIn(own), "the sloe")
      assert.notInclude(world.saidIn(own), "the medlar")
      assert.notInclude(world.saidIn(one?.session?.id ?? ""), "the sloe")
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)

  it.scopedLive("an adopted agent is forked while its person works with it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      const forked = yield* world.run(Fork.fork("alpha", "fake-1", "helper"))
      assert.strictEqual(forked.outcome, "forked", forked.message)
      const status = yield* world.run(Status.status("alpha"))
      assert.strictEqual(status.agents[0]?.pid, one.pid)
      assert.strictEqual(status.agents[0]?.session?.id, one.session)
      const own = status.agents[1]?.session?.id ?? ""
      yield* world.run(Send.send("alpha", "helper", "recall"))
      yield* said(world, own, "the fig")
      const down = yield* world.run(Shutdown.down("alpha"))
      assert.strictEqual(down.outcome, "stopped", down.message)
      assert.lengthOf(down.spared, 1)
    }), 120_000)
})
