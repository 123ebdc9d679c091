import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { afterAll, expect } from "vitest"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { endProcessTree, parsePs, parseStat, processState, processTree, readProcess, treeOf } from "reprise/plugin"

const started: Array<{ readonly pid: number; readonly startTime: string }> = []

const start = (script: string) =>
  Effect.gen(function*() {
    const child = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] })
    const pid = child.pid ?? 0
    yield* Effect.promise(() => once(child.stdout, "data"))
    const reading = yield* readProcess(pid)
    if (reading.state !== "alive") return yield* Effect.dieMessage(`process ${pid} is ${reading.state}`)
    started.push({ pid, startTime: reading.startTime })
    return { child, pid, startTime: reading.startTime }
  })

afterAll(() => Effect.runPromise(Effect.forEach(started, (each) => endProcessTree(each, 0), { discard: true })))

describe("parsing", () => {
  it.prop("a stat line is understood whatever the program is called", [FastCheck.string()], ([name]) => {
    const tail = ["S", "7", "1", "1", "0", "-1", ...Array.from({ length: 13 }, () => "0"), "4242", "0"].join(" ")
    expect(parseStat(`12 (${name}) ${tail}`, "abcd")).toEqual({
      pid: 12,
      ppid: 7,
      session: 1,
      startTime: "4242@abcd",
      zombie: false
    })
  })
  it("what is no stat line is null", () => {
    expect(parseStat("", "b")).toBeNull()
    expect(parseStat("12 (sh) S", "b")).toBeNull()
  })
  it("ps lines", () => {
    expect(parsePs("  12     1 Z    Sun Nov 22 21:02:03 2026\n\n")).toEqual([
      { pid: 12, ppid: 1, session: null, startTime: "Sun Nov 22 21:02:03 2026@ps", zombie: true }
    ])
  })
})

describe("treeOf", () => {
  const row = (pid: number, ppid: number, session = 1, zombie = false) => ({
    pid,
    ppid,
    session,
    zombie,
    startTime: `${pid}@b`
  })
  const table = [row(1, 0), row(10, 1), row(11, 10), row(12, 11), row(13, 10, 1, true), row(20, 1, 9), row(9, 1, 9)]
  const pids = (rows: ReadonlyArray<{ readonly pid: number }>) => rows.map((each) => each.pid).sort((a, b) => a - b)
  it("takes descendants and leaves zombies and strangers", () => {
    expect(pids(treeOf(table, [{ pid: 10, startTime: "10@b" }]))).toEqual([10, 11, 12])
  })
  it("a pid with another start time is a stranger", () => {
    expect(treeOf(table, [{ pid: 10, startTime: "other@b" }])).toEqual([])
  })
  it("adds the terminal session, only while its leader is the same process", () => {
    expect(pids(treeOf(table, [{ pid: 10, startTime: "10@b" }], { pid: 9, startTime: "9@b" }))).toEqual([10, 11, 12, 20])
    expect(pids(treeOf(table, [{ pid: 10, startTime: "10@b" }], { pid: 9, startTime: "8@b" }))).toEqual([10, 11, 12])
  })
})

describe.skipIf(process.platform !== "linux")("a real process", () => {
  it.live("is read, and dead once it ended", () =>
    Effect.gen(function*() {
      const { child, pid, startTime } = yield* start("echo up; exec sleep 600")
      expect(yield* processState({ pid, startTime })).toBe("alive")
      expect(yield* processState({ pid, startTime: "1@other" })).toBe("dead")
      const exited = once(child, "exit")
      process.kill(pid, "SIGKILL")
      yield* Effect.promise(() => exited)
      expect(yield* processState({ pid, startTime })).toBe("dead")
    }))

  it.live("a zombie is dead", () =>
    Effect.gen(function*() {
      // The parent never asks for its child's status.
      const { child, pid, startTime } = yield* start("sh -c 'echo $$; exec sleep 600' & exec sleep 600")
      const tree = yield* processTree({ pid, startTime })
      const inner = tree?.find((row) => row.ppid === pid)
      if (inner === undefined) return yield* Effect.dieMessage("no child")
      process.kill(inner.pid, "SIGKILL")
      const deadline = Date.now() + 10_000
      while ((yield* processState(inner)) === "alive" && Date.now() < deadline) yield* Effect.sleep(10)
      expect(readFileSync(`/proc/${inner.pid}/stat`, "utf8")).toContain(") Z ")
      expect((yield* readProcess(inner.pid)).state).toBe("dead")
      expect(child.exitCode).toBeNull()
    }))

  it.live("is ended with its tree, also one that ignores SIGTERM and one in another process group", () =>
    Effect.gen(function*() {
      const { pid, startTime } = yield* start(
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 601; sleep 602' & sleep 603 & echo up; while :; do sleep 1; done"
      )
      const tree = yield* processTree({ pid, startTime })
      expect(tree?.length).toBeGreaterThanOrEqual(3)
      const report = yield* endProcessTree({ pid, startTime }, 100)
      expect(report).toMatchObject({ gone: true, survivors: [] })
      for (const member of tree ?? []) expect(yield* processState(member)).toBe("dead")
    }))

  it.live("a pid with another start time is never signalled", () =>
    Effect.gen(function*() {
      const { pid, startTime } = yield* start("echo up; exec sleep 600")
      expect(yield* endProcessTree({ pid, startTime: "1@other" }, 0)).toMatchObject({ gone: true })
      expect(yield* processState({ pid, startTime })).toBe("alive")
    }))
})
