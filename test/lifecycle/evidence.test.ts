import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { builtCommand, compileCache } from "../house/built.ts"

// What status, send and restart make of an agent, with real workers on a tmux server of their own: they must say the same.

const hasTmux = spawnSync("tmux", ["-V"]).status === 0
const command = hasTmux ? await builtCommand() : ""
const root = fileURLToPath(new URL("../../", import.meta.url))

const Failure = Schema.Struct({ kind: Schema.String, retryAt: Schema.NullOr(Schema.String) })
const Agent = Schema.Struct({
  id: Schema.String,
  pid: Schema.NullOr(Schema.Int),
  pane: Schema.NullOr(Schema.String),
  generation: Schema.Int,
  status: Schema.String,
  evidence: Schema.String,
  failure: Schema.NullOr(Failure),
  approval: Schema.NullOr(Schema.Struct({ question: Schema.String, choices: Schema.Array(Schema.String) })),
  ready: Schema.Struct({ ok: Schema.Boolean, reasons: Schema.Array(Schema.String) }),
  resumable: Schema.optional(Schema.NullOr(Schema.Struct({ answer: Schema.String }))),
  result: Schema.optional(Schema.NullOr(Schema.String)),
  session: Schema.NullOr(Schema.Struct({ transcript: Schema.NullOr(Schema.String) }))
})
const Shown = Schema.parseJson(Schema.Struct({
  outcome: Schema.String,
  ok: Schema.Boolean,
  message: Schema.String,
  next: Schema.Array(Schema.String),
  agents: Schema.optionalWith(Schema.Array(Agent), { default: () => [] })
}))

describe.skipIf(!hasTmux)("an agent on a real terminal", () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "re-")))
  const workspace = join(home, "work")
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(home, "home"),
    XDG_RUNTIME_DIR: join(home, "run"),
    TMPDIR: join(home, "tmp"),
    LANG: "C.UTF-8",
    ...compileCache()
  }
  const reprise = (verb: string, ...args: ReadonlyArray<string>) =>
    new Promise<typeof Shown.Type>((done, fail) => {
      const words = [command, verb, "--workspace", workspace, "--json", ...args]
      const child = spawn(process.execPath, words, { cwd: root, env, stdio: ["ignore", "pipe", "ignore"] })
      let out = ""
      child.stdout.on("data", (chunk) => { out += String(chunk) })
      child.on("close", () => {
        try {
          done(Schema.decodeUnknownSync(Shown)(out))
        } catch (error) {
          fail(new Error(`reprise ${verb} said ${out}: ${String(error)}`))
        }
      })
    })
  const shown = async (...ids: ReadonlyArray<string>) => {
    const { agents } = await reprise("status")
    return ids.map((id) => {
      const agent = agents.find((one) => one.id === id)
      if (agent === undefined) throw new Error(`there is no ${id}`)
      return agent
    })
  }
  let started: ReadonlyArray<typeof Agent.Type> = []
  const agents = {
    asks: {}, gone: { cwd: "trees/gone" }, limit: {}, login: {}, moved: { cwd: "moved" }, replaced: { cwd: "trees/replaced" }, still: {}, tiny: {}
  }

  beforeAll(async () => {
    for (const name of ["work", "run", "tmp", "home"]) mkdirSync(join(home, name), { mode: 0o700 })
    for (const name of ["trees/gone", "trees/replaced", "moved"]) mkdirSync(join(workspace, name), { recursive: true })
    const file = join(workspace, "team.yaml")
    writeFileSync(file, JSON.stringify({ name: "alpha", defaults: { provider: "fake", options: { turn: 1 } }, agents }))
    const up = await reprise("up", file)
    assert.strictEqual(up.outcome, "launched", up.message)
    started = up.agents
  }, 240_000)
  afterAll(async () => {
    await reprise("down", "--yes").catch(() => undefined)
    rmSync(home, { recursive: true, force: true })
  }, 240_000)

  it("is unknown while its process is stopped by a signal, and is neither typed into, ended nor replaced", async () => {
    const { generation = 0, pid = null } = started.find(({ id }) => id === "still") ?? {}
    assert.isNumber(pid)
    process.kill(pid ?? 0, "SIGSTOP")
    try {
      const [seen] = await shown("still")
      assert.deepStrictEqual([seen?.status, seen?.ready.ok], ["unknown", false])
      assert.include(seen?.evidence, `kill -CONT ${pid}`)
      const sent = await reprise("send", "still", "not while it is stopped")
      assert.strictEqual(sent.outcome, "accepted", sent.message)
      assert.include(sent.message, `process ${pid} is stopped`)
      const report = await reprise("restart", "still")
      const still = report.agents.find(({ id }) => id === "still")
      assert.deepStrictEqual([report.ok, still?.result, still?.pid, still?.generation], [false, "refused", pid, generation])
      assert.include(report.next, `kill -CONT ${pid}`)
      assert.isFalse(report.next.some((command) => command.includes("--allow-fresh")), report.next.join())
    } finally {
      process.kill(pid ?? 0, "SIGCONT")
    }
    const later = await reprise("send", "still", "and on")
    assert.strictEqual(later.outcome, "submitted", later.message)
    assert.include(readFileSync(started.find(({ id }) => id === "still")?.session?.transcript ?? "", "utf8"), "not while it is stopped")
  }, 240_000)

  it("comes back though its conversation's last words are of a login, or of a limit", async () => {
    await reprise("send", "login", "/fail login")
    await reprise("send", "limit", "/fail limit 3600")
    const before = await shown("login", "limit")
    assert.deepStrictEqual(before.map(({ failure, ready }) => [failure?.kind, ready.ok]), [["auth", false], ["usage_limit", false]])
    assert.isString(before[1]?.failure?.retryAt)
    for (const { pid } of before) process.kill(pid ?? 0, "SIGKILL")
    const report = await reprise("restart", "login", "limit")
    const came = report.agents.filter(({ id }) => id === "login" || id === "limit")
    assert.deepStrictEqual(came.map(({ failure, result }) => [result, failure]), [["resumed", null], ["resumed", null]], report.message)
    const after = await shown("login")
    assert.deepStrictEqual(after.map(({ failure, ready }) => [failure, ready.ok]), [[null, true]], after[0]?.evidence)
  }, 240_000)

  it("that asks shows its question and the answers to it", async () => {
    await reprise("send", "asks", "/approve")
    const [asks] = await shown("asks")
    assert.deepStrictEqual(asks?.approval, { question: "Do you want to run this command?", choices: ["Yes", "No"] })
    assert.deepStrictEqual([asks?.status, asks?.ready.ok], ["awaiting_approval", false])
  }, 240_000)

  it("is unknown where its directory was removed, or another has its name", async () => {
    rmSync(join(workspace, "trees"), { recursive: true })
    mkdirSync(join(workspace, "trees", "replaced"), { recursive: true })
    renameSync(join(workspace, "moved"), join(workspace, "away"))
    const lost = await shown("gone", "replaced", "moved")
    for (const seen of lost) {
      assert.deepStrictEqual([seen.id, seen.status, seen.ready.ok], [seen.id, "unknown", false], seen.evidence)
      assert.include(seen.evidence, "was removed")
      assert.notStrictEqual(seen.resumable?.answer, "yes")
    }
    const sent = await reprise("send", "gone", "more")
    assert.strictEqual(sent.outcome, "accepted", sent.message)
    const report = await reprise("restart", "gone")
    assert.isFalse(report.ok, report.message)
    assert.include(report.next, `mkdir -p ${join(workspace, "trees/gone")}`)
    assert.strictEqual(report.agents.find(({ id }) => id === "gone")?.pid, lost[0]?.pid)
  }, 240_000)

  it("is unknown where its screen is too small to read", async () => {
    const address = started.find(({ id }) => id === "tiny")?.pane ?? ""
    const socket = spawnSync("sh", ["-c", `find '${home}' -name tmux -type s`], { encoding: "utf8" }).stdout.trim().split("\n")[0] ?? ""
    const tmux = (...words: ReadonlyArray<string>) => spawnSync("tmux", ["-S", socket, ...words], { encoding: "utf8" }).stdout.trim()
    const pane = /%\d+/.exec(address)?.[0] ?? ""
    // Its window has its full size: it is the split that leaves it so few columns.
    const beside = tmux("split-window", "-d", "-h", "-P", "-F", "#{pane_id}", "-l", "170", "-t", pane, "sleep 600")
    const columns = tmux("display-message", "-p", "-t", pane, "#{pane_width}")
    assert.isBelow(Number(columns), 40)
    const [tiny] = await shown("tiny")
    assert.deepStrictEqual([tiny?.status, tiny?.ready.ok], ["unknown", false], tiny?.evidence)
    assert.match(tiny?.ready.reasons.join() ?? "", new RegExp(`^the screen is ${columns} x \\d+, too small to read$`))
    const sent = await reprise("send", "tiny", "later")
    assert.strictEqual(sent.outcome, "accepted", sent.message)
    tmux("kill-pane", "-t", beside)
  }, 240_000)
})
