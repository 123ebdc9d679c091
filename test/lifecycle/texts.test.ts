import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Send } from "reprise"
import { builtins } from "../../sdk/builtins.ts"
import { AgentId, TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import { HostEnvironment } from "../../sdk/lifecycle/operation.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import * as Status from "../../sdk/lifecycle/Status.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import { PluginHostLive } from "../../sdk/plugin/host/PluginHostLive.ts"
import { standard } from "../../sdk/policy/Policy.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { eventually, temporaryDirectory } from "./world.ts"

// Texts that an input line reads as commands or changes, sent to real workers on real terminals. Each arrives as it is, or is
// refused before the first key, or is reported as altered; and none keeps the next one waiting.

const key = TeamKey.make("alpha")

/** A team with an input line that interprets texts, one that does so unknown to its provider, and an ordinary one. */
const withTeam = <A, E>(transport: string, body: (world: World) => Effect.Effect<A, E, EventLog | PluginHost | HostEnvironment | NodeContext.NodeContext>) =>
  Effect.gen(function*() {
    const workspace = yield* temporaryDirectory
    const env = { HOME: workspace, PATH: process.env["PATH"] ?? "", TMPDIR: workspace, XDG_RUNTIME_DIR: workspace, LANG: "C.UTF-8" }
    const services = Layer.mergeAll(
      EventLogSqlite.layer({ directory: join(workspace, ".reprise") }),
      PluginHostLive.layer({ workspace, specs: [], consents: [], builtins, env }),
      Layer.succeed(HostEnvironment, env)
    ).pipe(Layer.provideMerge(NodeContext.layer))
    yield* Effect.gen(function*() {
      const options = (composer: string) => ({ options: { turn: 1, composer } })
      const file = yield* parseTeamFile(
        JSON.stringify({
          name: "alpha",
          defaults: { provider: "fake", options: { turn: 1 } },
          agents: { knows: options("interprets"), changes: options("alters"), plain: {} }
        }),
        { file: "team.yaml", workspace }
      )
      const up = yield* Launch.up(file, { workspace, transport, plugins: [] })
      assert.strictEqual(up.outcome, "launched", up.message)
      const log = yield* EventLog
      const agent = (id: string) =>
        Effect.map(log.state(key), (state) =>
          Option.getOrThrow(state).agents.find(({ spec }) => spec.id === id) ?? assert.fail(`no agent ${id}`))
      const world: World = {
        said: (id) =>
          Effect.map(agent(id), ({ session }) =>
            readFileSync(session?.transcript ?? "", "utf8").split("\n").flatMap((line) =>
              line.includes("\"role\":\"user\"") ? [String(JSON.parse(line).text)] : [])).pipe(Effect.orDie),
        draft: (id) =>
          Effect.gen(function*() {
            const host = yield* PluginHost
            const { spawn } = yield* agent(id)
            const pane = spawn?.pane ?? assert.fail("no pane")
            return (yield* host.provider("fake")).draft(yield* (yield* host.transport(transport)).capture(pane))
          }).pipe(Effect.orDie)
      }
      yield* body(world)
    }).pipe(
      Effect.ensuring(Effect.ignore(Shutdown.down("alpha"))),
      Effect.provide(services)
    )
  })

interface World {
  readonly said: (agent: string) => Effect.Effect<ReadonlyArray<string>>
  readonly draft: (agent: string) => Effect.Effect<string | null, never, EventLog | PluginHost>
}

const consumed = (id: string, text: string, options: Send.SendOptions = {}) =>
  Effect.gen(function*() {
    const report = yield* Send.send("alpha", id, text, "leader", options)
    assert.strictEqual(report.outcome, "submitted", report.message)
    assert.isNotNull(report.consumed, report.message)
  })

const transports = ["pty", ...spawnSync("tmux", ["-V"]).status === 0 ? ["tmux"] : []]

describe.each(transports)("a text on %s", (transport) => {
  it.scopedLive("that its CLI would interpret or change is refused before the first key", () =>
    withTeam(transport, ({ draft, said }) =>
      Effect.gen(function*() {
        const log = yield* EventLog
        const before = yield* log.position
        const texts = [
          "!important: do not push", "/nosuch x", "exit", "quit", ":q", "/clear", "a\tb", "a blank at the end ",
          "dos\r\nlines", "esc \u001b[201~ here", "bell\u0007", "half a \ud800 character", "x".repeat(1024 * 1024 + 1)
        ]
        for (const text of texts) {
          const report = yield* Send.send("alpha", "knows", text)
          assert.deepInclude(report, { outcome: "text_refused", ok: false, messageId: null, accepted: null, submitted: null })
          assert.strictEqual(yield* draft("knows"), "", text.slice(0, 40))
        }
        const long = yield* Send.send("alpha", "knows", "x".repeat(1024 * 1024 + 1))
        assert.match(long.message, /1048576/)
        assert.strictEqual(yield* log.position, before)
        for (const text of ["hello", "its end is a \\", " two\n\n  lines \\\n and more", "日本語 👩‍👩‍👧 e\u0301"]) yield* consumed("knows", text)
        assert.deepStrictEqual(yield* said("knows"), ["hello", "its end is a \\", " two\n\n  lines \\\n and more", "日本語 👩‍👩‍👧 e\u0301"])
      })), 60_000)

  it.scopedLive("that is typed raw is reported by what is known, and its draft is removed", () =>
    withTeam(transport, ({ draft, said }) =>
      Effect.gen(function*() {
        const log = yield* EventLog
        yield* consumed("knows", "hello")
        for (const text of ["/nosuch x", "!stays in the input line"]) {
          const report = yield* Send.send("alpha", "knows", text, "leader", { raw: true })
          assert.deepInclude(report, { outcome: "unconfirmed", ok: false, submitted: null, consumed: null })
          assert.strictEqual(yield* draft("knows"), "")
        }
        yield* consumed("knows", "this is no command", { raw: true })
        assert.deepStrictEqual(yield* said("knows"), ["hello", "this is no command"])
        const ended = yield* Send.send("alpha", "knows", "exit", "leader", { raw: true })
        assert.strictEqual(ended.outcome, "unconfirmed", ended.message)
        const agent = Option.getOrThrow(yield* log.state(key)).agents.find(({ spec }) => spec.id === "knows")
        assert.strictEqual(agent?.rawMessage, ended.messageId)
      })), 60_000)

  it.scopedLive("that arrives changed is reported as altered, and the next one goes out", () =>
    withTeam(transport, ({ draft, said }) =>
      Effect.gen(function*() {
        const report = yield* Send.send("alpha", "changes", "a\tb")
        assert.deepInclude(report, { outcome: "altered", ok: false, submitted: null, consumed: null })
        assert.include(report.message, "a    b")
        const stays = yield* Send.send("alpha", "changes", "!stays in the input line")
        assert.strictEqual(stays.outcome, "unconfirmed", stays.message)
        assert.strictEqual(yield* draft("changes"), "", stays.message)
        yield* consumed("changes", "hello")
        assert.deepStrictEqual(yield* said("changes"), ["a    b", "hello"])
      })), 60_000)

  it.scopedLive("that was queued by an older version is refused at its turn, and what follows it goes out", () =>
    withTeam(transport, ({ said }) =>
      Effect.gen(function*() {
        const log = yield* EventLog
        const queue = (agent: string, generation: number, ids: ReadonlyArray<string>, texts: ReadonlyArray<string>) =>
          log.append(texts.map((text, at) => ({
            type: "message.accepted" as const, team: key, agent: AgentId.make(agent), generation, message_id: ids[at] ?? "", from: "leader", text
          })))
        yield* queue("knows", 1, ["a", "b"], ["!old", "later"])
        yield* consumed("knows", "now")
        assert.deepStrictEqual(yield* said("knows"), ["later", "now"])
        // The same when a restart delivers.
        yield* queue("knows", 1, ["c", "d"], ["/nosuch", "after the restart"])
        const restarted = yield* Restart.restart("alpha", standard)
        assert.strictEqual(restarted.outcome, "restarted", restarted.message)
        yield* eventually(Effect.map(said("knows"), (texts) => texts.includes("after the restart")))
        const { pendingMessages } = Option.getOrThrow(yield* log.state(key))
        assert.deepStrictEqual(pendingMessages, [])
      })), 90_000)

  it.scopedLive("of some 300 kB arrives whole", () =>
    withTeam(transport, ({ said }) =>
      Effect.gen(function*() {
        const text = Array.from({ length: 3000 }, (_, at) => `${at} ${"abcdefghij ".repeat(9)}.`).join("\n")
        yield* consumed("plain", text)
        assert.deepStrictEqual(yield* said("plain"), [text])
      })), 60_000)

  it.scopedLive("of ours that a killed sender left in the input line is removed", () =>
    withTeam(transport, ({ draft, said }) =>
      Effect.gen(function*() {
        const log = yield* EventLog
        const host = yield* PluginHost
        const state = Option.getOrThrow(yield* log.state(key))
        const pane = state.agents.find(({ spec }) => spec.id === "plain")?.spawn?.pane ?? assert.fail("no pane")
        const scope = { team: key, agent: AgentId.make("plain"), generation: 1, message_id: "cut" }
        yield* log.append([
          { type: "message.accepted", ...scope, from: "leader", text: "cut off" },
          { type: "message.submitting", ...scope }
        ])
        yield* (yield* host.transport(transport)).paste(pane, "cut off")
        yield* eventually(Effect.map(draft("plain"), (shown) => shown === "cut off"))
        const { agents } = yield* Status.status("alpha")
        assert.match(agents.find(({ id }) => id === "plain")?.evidence ?? "", /message cut, which was not sent/)
        yield* consumed("plain", "hello")
        assert.deepStrictEqual(yield* said("plain"), ["hello"])
        // A person's own draft is left alone, and waited for.
        yield* (yield* host.transport(transport)).paste(pane, "a person's")
        yield* eventually(Effect.map(draft("plain"), (shown) => shown === "a person's"))
        const waits = yield* Send.send("alpha", "plain", "waits")
        assert.strictEqual(waits.outcome, "accepted", waits.message)
        assert.strictEqual(yield* draft("plain"), "a person's")
        const shown = yield* Status.status("alpha")
        assert.match(shown.agents.find(({ id }) => id === "plain")?.evidence ?? "", /its input line holds a text that was not sent/)
      })), 60_000)
})
