import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import {
  chmodSync, closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync,
  utimesSync, writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type HostProcess, type ProviderAgent, readProcess } from "reprise/plugin"
import { readWords } from "../../plugins/providers/codex/argv.ts"
import { conversationIn } from "../../plugins/providers/codex/evidence.ts"
import { openFiles, wordsOf } from "../../plugins/providers/codex/host.ts"
import { evidenceOf, holdersOf, nativeIn } from "../../plugins/providers/codex/processes.ts"
import { recognise } from "../../plugins/providers/codex/recognise.ts"

// A program of Codex's name that sleeps with the files open that a real one has: what is read is the host's own word.

const linux = process.platform === "linux"
const id = "01a205c5-0bb3-7631-8c50-c98ed016aa0e"
const other = "01a205c5-0bb3-7631-8c50-c98ed016aa0f"
const agent: ProviderAgent = {
  team: "alpha", id: "coder-1", role: null, prompt: null, workspace: "/", cwd: "/", model: null, effort: null,
  permissions: null, tools: [], options: {}, env: {}, configHome: null, mcp: {}, startedAt: null
}

let base = ""
let program = ""
const running: Array<ChildProcess> = []

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "reprise-codex-")))
  program = join(base, "native", "codex")
  for (const name of ["native", "thread-writer-locks", "sessions", "bin"]) mkdirSync(join(base, name))
  copyFileSync(["/bin/sleep", "/usr/bin/sleep"].find((path) => existsSync(path)) ?? "/bin/sleep", program)
  chmodSync(program, 0o755)
})

afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = new Promise((done) => child.once("exit", done))
    child.kill("SIGKILL")
    await gone
  }
  rmSync(base, { recursive: true, force: true })
})

const lockOf = (session: string): string => {
  const path = join(base, "thread-writer-locks", `${session}.lock`)
  writeFileSync(path, "")
  return path
}

const rolloutOf = (session: string, records: ReadonlyArray<object> = [], source: unknown = "cli"): string => {
  const path = join(base, "sessions", `rollout-2026-11-23T00-18-49-${session}.jsonl`)
  const meta = { type: "session_meta", payload: { id: session, cwd: "/project", source } }
  writeFileSync(path, [meta, ...records].map((record) => `${JSON.stringify(record)}\n`).join(""))
  return path
}

const turn = (type: string, at = Date.now() + 60_000): object =>
  ({ timestamp: new Date(at).toISOString(), type: "event_msg", payload: { type } })

const started = (command: string, words: ReadonlyArray<string>, paths: ReadonlyArray<string>, env = {}): Promise<number> => {
  const files = paths.map((path) => openSync(path, "r"))
  const child = spawn(command, words, { cwd: base, env: { PATH: "/usr/bin:/bin", ...env }, stdio: ["ignore", "ignore", "ignore", ...files] })
  running.push(child)
  for (const file of files) closeSync(file)
  return new Promise((done, fail) => {
    child.once("error", fail)
    // The program is there once its command line is.
    child.once("spawn", () => done(child.pid ?? 0))
  })
}

const holding = (paths: ReadonlyArray<string>, env = {}) => Effect.promise(() => started(program, ["600"], paths, env))

const evidence = (pid: number, over: { readonly alive?: boolean; readonly startTime?: string } = {}) =>
  Effect.flatMap(readProcess(pid), (reading) =>
    evidenceOf({ pid, startTime: reading.state === "unknown" ? "" : reading.startTime ?? "", alive: true, agent, ...over }))

const hostProcess = (pid: number, over: Partial<HostProcess> = {}) =>
  Effect.map(readProcess(pid), (reading): HostProcess => ({
    pid,
    ppid: reading.state === "alive" ? reading.ppid : 0,
    startTime: reading.state === "alive" ? reading.startTime : "",
    argv: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1),
    cwd: base,
    env: {},
    ...over
  }))

describe.runIf(linux)("codex processes", () => {
  it.live("tell their conversation by the lock that they hold open", () =>
    Effect.gen(function*() {
      const pid = yield* holding([lockOf(id)])
      expect(yield* evidence(pid)).toMatchObject({ sessionId: id, transcript: null, state: null })
      expect((yield* holdersOf(id.toUpperCase())).map((holder) => holder.pid)).toEqual([pid])
    }))

  it.live("have none by a lock file that lies there and is not open", () =>
    Effect.gen(function*() {
      lockOf(id)
      const pid = yield* holding([])
      expect(yield* evidence(pid)).toBeNull()
      expect(yield* holdersOf(id)).toEqual([])
    }))

  it.live("may hold any, where one of this user's hides what it has open", () =>
    Effect.gen(function*() {
      const pid = yield* holding([])
      const hidden = { words: wordsOf, open: (one: number) => one === pid ? null : openFiles(one) }
      const answer = yield* Effect.either(holdersOf(id, hidden))
      expect(answer._tag === "Left" ? answer.left.detail : "").toContain(`process ${pid} has open`)
    }))

  it.live("still hold a lock whose file was deleted", () =>
    Effect.gen(function*() {
      const path = lockOf(id)
      const pid = yield* holding([path])
      rmSync(path)
      expect((yield* evidence(pid))?.sessionId).toBe(id)
      expect((yield* holdersOf(id)).map((holder) => holder.pid)).toEqual([pid])
    }))

  it.live("are no more than another process once their start time is another", () =>
    Effect.gen(function*() {
      const pid = yield* holding([lockOf(id)])
      expect(yield* evidence(pid, { startTime: "1@another" })).toBeNull()
      expect(yield* evidence(pid, { alive: false })).toBeNull()
    }))

  it.live("are at work while a turn is open; an end of a turn leaves the word to the screen that Reprise sees", () =>
    Effect.gen(function*() {
      const paths = [lockOf(id), rolloutOf(id, [turn("task_complete"), turn("task_started")])]
      const working = yield* holding(paths, { REPRISE_AGENT: "coder-1" })
      expect(yield* evidence(working)).toMatchObject({ sessionId: id, transcript: paths[1], state: "busy" })
      rolloutOf(id, [turn("task_started"), turn("task_complete")])
      expect(yield* evidence(working)).toMatchObject({ state: null })
      // Of an adopted one there is no screen to look at.
      const byHand = yield* holding([lockOf(other), rolloutOf(other, [turn("turn_aborted")])])
      expect(yield* evidence(byHand)).toMatchObject({ sessionId: other, state: "idle" })
      // A kill in the middle of a turn leaves it open; the process that goes on with the conversation is not in it.
      rolloutOf(id, [turn("task_started", Date.now() - 3_600_000)])
      expect(yield* evidence(working)).toMatchObject({ sessionId: id, state: null })
    }))

  it.live("with two conversations of a person's have none that is surely theirs; one of its agents' is left aside", () =>
    Effect.gen(function*() {
      const beside = rolloutOf(other, [], { subagent: { thread_spawn: { parent_thread_id: id } } })
      const pid = yield* holding([lockOf(id), lockOf(other), beside], { REPRISE_AGENT: "coder-1" })
      expect(yield* evidence(pid)).toMatchObject({ sessionId: id })
      rolloutOf(other)
      expect(yield* evidence(pid)).toMatchObject({ sessionId: null, state: null })
    }))

  it.live("that a person started are told by what was written last in their life, as far as that is certain", () =>
    Effect.gen(function*() {
      const [first, second] = [rolloutOf(id), rolloutOf(other)]
      const pid = yield* holding([lockOf(id), lockOf(other), first, second])
      const now = Date.now() / 1000
      const told = (writtenFirst: number, writtenSecond: number) =>
        Effect.gen(function*() {
          utimesSync(first, writtenFirst, writtenFirst)
          utimesSync(second, writtenSecond, writtenSecond)
          const [said, known] = [yield* evidence(pid), yield* recognise(yield* hostProcess(pid, { argv: ["codex", "--no-daemon"] }))]
          expect(known?.sessionId).toBe(said?.sessionId)
          expect(known?.confidence).toBe(said?.confidence)
          expect(said?.openSessions).toEqual([id, other])
          return { session: said?.sessionId, confidence: said?.confidence, evidence: known?.evidence }
        })
      // The process is older than its writes.
      const after = now + 30
      const born = yield* readProcess(pid)
      const age = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) - Number(born.state === "alive" ? born.startTime.split("@")[0] : 0) / 100
      const start = now - age
      expect(yield* told(start + 0.3, start - 60)).toMatchObject({ session: id, confidence: "medium" })
      expect(yield* told(start - 60, start + 0.3)).toMatchObject({ session: other, confidence: "medium" })
      // Before its life, at one time, in the future.
      for (const [one, two] of [[start - 60, start - 30], [start + 0.3, start + 0.32], [start + 0.3, after]] as const) {
        const answer = yield* told(one, two)
        expect(answer).toMatchObject({ session: null })
        expect(answer.evidence).toContain(`${id}, ${other}. Which one was written last in its life is not certain`)
      }
    }))

  it("that can't be looked into are unknown, not without a conversation", () => {
    expect(conversationIn(1, null, { open: () => null, ends: () => null })._tag).toBe("Unreadable")
    expect(conversationIn(1, null, { open: () => [], ends: () => null })._tag).toBe("None")
  })

  it("are told from a Codex that an agent runs itself, below them", () => {
    const table = [{ pid: 2, ppid: 1 }, { pid: 3, ppid: 2 }, { pid: 4, ppid: 3 }, { pid: 5, ppid: 4 }]
    expect(nativeIn(table, 2, (pid) => pid === 3 || pid === 5)).toBe(3)
    expect(nativeIn(table, 2, () => false)).toBeNull()
    expect(nativeIn([...table, { pid: 6, ppid: 2 }], 2, (pid) => pid === 3 || pid === 6)).toBeNull()
  })

  it.live("are adopted once, as the script that npm installs", () =>
    Effect.gen(function*() {
      const script = join(base, "bin", "codex")
      const inner = `spawn(${JSON.stringify(program)}, ["600"], { stdio: ["ignore", "ignore", "ignore", openSync(process.argv[2], "r")] })`
      writeFileSync(
        script,
        `const { spawn } = require("node:child_process"), { openSync, writeFileSync } = require("node:fs")
const child = ${inner}
child.once("spawn", () => writeFileSync(${JSON.stringify(join(base, "native-pid"))}, String(child.pid)))
setTimeout(() => {}, 600000)`
      )
      const pid = yield* Effect.promise(() => started(process.execPath, [script, lockOf(id), "-m", "gpt-x", "-s", "read-only"], []))
      const deadline = Date.now() + 30_000
      while (!existsSync(join(base, "native-pid")) && Date.now() < deadline) yield* Effect.sleep("20 millis")
      const native = Number(readFileSync(join(base, "native-pid"), "utf8"))
      try {
        expect(yield* evidence(pid)).toMatchObject({ sessionId: id })
        const words = [process.execPath, script, "-m", "gpt-x", "-s", "read-only", "--no-daemon"]
        expect(yield* recognise(yield* hostProcess(pid, { argv: words, env: { CODEX_HOME: "/else", SECRET: "x" } }))).toMatchObject({
          sessionId: id,
          cwd: base,
          model: "gpt-x",
          permissions: "read-only",
          env: { CODEX_HOME: "/else" }
        })
        expect(yield* recognise(yield* hostProcess(native))).toBeNull()
      } finally {
        process.kill(native, "SIGKILL")
      }
    }))

  it.live("are adopted where their conversation belongs; background servers and others are left out, with the reason", () =>
    Effect.gen(function*() {
      const pid = yield* holding([lockOf(id), rolloutOf(id)])
      expect(yield* recognise(yield* hostProcess(pid, { argv: ["codex", "resume", id] }))).toMatchObject({ sessionId: id, cwd: "/project" })
      const server = yield* recognise(yield* hostProcess(pid, { argv: ["codex", "app-server", "--listen", "unix://"] }))
      expect([server?.sessionId, server?.evidence]).toEqual([null, expect.stringContaining("background server")])
      const lost = yield* holding([])
      const attached = yield* recognise(yield* hostProcess(lost, { argv: ["codex"] }))
      expect([attached?.sessionId, attached?.evidence]).toEqual([null, expect.stringContaining("--no-daemon")])
      for (const argv of [["codex", "exec", "do it"], ["codex", "login"], ["codex", "app-server", "daemon", "pid-update-loop"], ["node", "/x/codexes.js"], ["vim", "codex"], []]) {
        expect(yield* recognise(yield* hostProcess(lost, { argv }))).toBeNull()
      }
    }))
})

describe("codex words", () => {
  it("name the mode by its settings, too", () => {
    const { config } = readWords(["-c", "sandbox_mode=\"read-only\"", "--config=approval_policy='never'", "-cmodel=gpt", "resume"])
    expect(config).toEqual({ sandbox_mode: "read-only", approval_policy: "never", model: "gpt" })
  })

  it.live("of an adopted one keep its narrower mode", () =>
    Effect.gen(function*() {
      const pid = yield* holding([lockOf(id), rolloutOf(id)])
      const argv = ["codex", "-c", "sandbox_mode=\"read-only\"", "resume", id]
      expect(yield* recognise(yield* hostProcess(pid, { argv }))).toMatchObject({ permissions: "read-only" })
      // It asks before all but reading, whatever the sandbox of its user's settings is.
      const asking = ["codex", "-c", "approval_policy=untrusted", "resume", id]
      expect(yield* recognise(yield* hostProcess(pid, { argv: asking }))).toMatchObject({ permissions: "read-only" })
    }))

  it("are read in each of their forms", () => {
    const read = readWords(["-c", "a=b", "--model=gpt", "-sread-only", "--no-daemon", "resume", "--cd", "/there", "id", "--", "-m", "no"])
    expect([read.verb, [...read.flags], read.values]).toEqual([
      "resume",
      ["--no-daemon"],
      { "--config": "a=b", "--model": "gpt", "--sandbox": "read-only", "--cd": "/there" }
    ])
  })
})
