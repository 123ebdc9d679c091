import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Adopt, Policy, Restart, Shutdown, Status } from "reprise"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { hasTmux, kill, makeWorld } from "./world.ts"

// A CLI may tell where a conversation will be written before a word is in it.

/** Its records name the transcript of the session that it is in, whether it lies there or not. */
const tellingPlaces = (root: string) =>
  Layer.effect(PluginHost, Effect.map(PluginHost, (host) => PluginHost.of({
    ...host,
    provider: (name) => Effect.map(host.provider(name), (provider) => ({
      ...provider,
      processEvidence: (process) =>
        Effect.map(provider.processEvidence?.(process) ?? Effect.succeed(null), (said) =>
          said === null || said.sessionId === null ? said : { ...said, transcript: join(root, `${said.sessionId}.jsonl`) })
    }))
  })))

describe.skipIf(!hasTmux)("an adopted agent that went over to another conversation", () => {
  it.scopedLive("keeps the one before it while nothing is written in the new one", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux(world.workspace, ["--session", "at-first-message"])
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      yield* one.say("/clear")
      const places = tellingPlaces(world.root)
      const seen = yield* world.run(Effect.provide(Status.status("alpha"), places))
      const shown = world.recordOf(one.pid)?.sessionId ?? ""
      assert.notStrictEqual(shown, one.session)
      const [agent] = seen.agents
      assert.deepInclude(agent?.session, { id: one.session, confidence: "low" })
      assert.strictEqual(agent?.resumable?.answer, "yes")
      assert.include(agent?.resumable?.why, `its process is in session ${shown}, in which nothing was said: session ${one.session}`)
      yield* kill(one.pid)
      const back = yield* world.run(Effect.provide(Restart.restart("alpha", Policy.standard), places))
      assert.strictEqual(back.outcome, "restarted", back.message)
      assert.deepStrictEqual(back.agents.map(({ result, session }) => ({ result, session: session?.id })), [
        { result: "resumed", session: one.session }
      ])
      assert.include(back.agents[0]?.why.join(), `its process was last in session ${shown}, in which nothing was said: session ${one.session}`)
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)

  it.scopedLive("is in the new one once that is written", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      yield* one.say("/clear")
      yield* one.say("the elder")
      const last = world.recordOf(one.pid)?.sessionId
      const seen = yield* world.run(Effect.provide(Status.status("alpha"), tellingPlaces(world.root)))
      assert.strictEqual(seen.agents[0]?.session?.id, last)
    }), 120_000)
})

describe.skipIf(!hasTmux)("an adopted agent whose transcript was deleted", () => {
  it.scopedLive("is not started anew as if nobody had spoken to it, before and after it came back here", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const one = yield* world.inTmux()
      yield* one.say("the fig")
      yield* world.run(Adopt.adopt({ ...world.options, name: "alpha" }))
      yield* kill(one.pid)
      const transcript = join(world.root, `${one.session}.jsonl`)
      const kept = readFileSync(transcript)
      for (let times = 0; times < 2; times += 1) {
        rmSync(transcript)
        const refused = yield* world.run(Restart.restart("alpha", Policy.standard))
        assert.strictEqual(refused.outcome, "refused_resume_atomicity", refused.message)
        assert.deepStrictEqual(refused.agents.map(({ result }) => result), ["refused"])
        writeFileSync(transcript, kept)
        const back = yield* world.run(Restart.restart("alpha", Policy.standard))
        assert.deepStrictEqual(back.agents.map(({ session }) => session?.id), [one.session], back.message)
      }
      yield* world.run(Shutdown.down("alpha"))
    }), 120_000)
})
