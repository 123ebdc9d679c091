import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Send } from "reprise"
import { endProcessTree, readProcess } from "reprise/plugin"
import { builtins } from "../../sdk/builtins.ts"
import { TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import { HostEnvironment } from "../../sdk/lifecycle/operation.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import { PluginHostLive } from "../../sdk/plugin/host/PluginHostLive.ts"
import { standard } from "../../sdk/policy/Policy.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { eventually, temporaryDirectory } from "./world.ts"

// Real workers, a real log on disk: what the tests in memory say, once with processes.

it.scopedLive("a team of real workers that was killed remembers what each was told (5, 8, 17)", () =>
  Effect.gen(function*() {
    const workspace = yield* temporaryDirectory
    const env = {
      HOME: workspace,
      PATH: process.env["PATH"] ?? "",
      TMPDIR: workspace,
      LANG: "C.UTF-8",
      REPRISE_SESSION_CONVERGE_DEADLINE_MS: "60000"
    }
    const services = Layer.mergeAll(
      EventLogSqlite.layer({ directory: join(workspace, ".reprise") }),
      PluginHostLive.layer({ workspace, specs: [], consents: [], builtins, env }),
      Layer.succeed(HostEnvironment, env)
    ).pipe(Layer.provideMerge(NodeContext.layer))
    const secrets = { one: "the lilac", two: "the elder", three: "the rowan" }

    yield* Effect.gen(function*() {
      const file = yield* parseTeamFile(
        JSON.stringify({
          name: "alpha",
          defaults: { provider: "fake", options: { turn: 1 } },
          agents: {
            one: {},
            two: { options: { session: "at-first-message", turn: 1 } },
            // Chooses its own session and says by a marker whose it is.
            three: { options: { assign: false, marker: true, turn: 1 } },
            asks: { options: { startup: "trust", turn: 1 } }
          }
        }),
        { file: "team.yaml", workspace }
      )
      const up = yield* Launch.up(file, { workspace, transport: "pty", plugins: [] })
      assert.strictEqual(up.outcome, "launched", up.message)
      for (const [id, secret] of Object.entries(secrets)) {
        const sent = yield* Send.send("alpha", id, `remember ${secret}`)
        assert.strictEqual(sent.outcome, "submitted", sent.message)
      }
      const log = yield* EventLog
      const state = Effect.map(log.state(TeamKey.make("alpha")), Option.getOrThrow)
      const before = yield* state
      for (const { spawn } of before.agents) {
        const pane = spawn?.pane
        assert.isNotNull(pane)
        if (pane) yield* endProcessTree({ pid: pane.pid, startTime: pane.startTime }, 0)
      }
      const report = yield* Restart.restart("alpha", standard)
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ id, result }) => `${id} ${result}`), [
        "one resumed",
        "two resumed",
        "three resumed",
        "asks resumed"
      ])
      const after = yield* state
      assert.strictEqual(new Set(after.agents.map(({ session }) => session?.id)).size, 4)
      for (const [id, secret] of Object.entries(secrets)) {
        yield* Send.send("alpha", id, "recall")
        const path = after.agents.find(({ spec }) => spec.id === id)?.session?.transcript ?? ""
        yield* eventually(Effect.sync(() => readFileSync(path, "utf8").trim().split("\n").at(-1)?.includes(`remember ${secret}`) === true))
      }
      const stopped = yield* Shutdown.down("alpha")
      assert.isTrue(stopped.ok, stopped.message)
      for (const { spawn } of (yield* state).agents) {
        const read = yield* readProcess(spawn?.pane?.pid ?? 0)
        assert.isTrue(read.state !== "alive" || read.startTime !== spawn?.pane?.startTime)
      }
    }).pipe(Effect.provide(services))
  }), 120_000)
