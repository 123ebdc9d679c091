import { spawn } from "node:child_process"
import { once } from "node:events"
import fs, { readFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { afterAll, expect, vi } from "vitest"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { bootId, endProcessTree, parsePs, parseStat, processState, processTree, readProcess, treeOf } from "reprise/plugin"

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
      group: 1,
      session: 1,
      startTime: "4242@abcd",
      stopped: false,
      zombie: false
    })
  })
  it("what is no stat line is null", () => {
    expect(parseStat("", "b")).toBeNull()
    expect(parseStat("12 (sh) S", "b")).toBeNull()
  })
  it("ps lines", () => {
    expect(parsePs("  12     1 Z    Sun Nov 22 21:02:03 2026\n\n")).toEqual([
      { pid: 12, ppid: 1, session: null, startTime: "Sun Nov 22 21:02:03 2026@ps", zombie: true, stopped: false }
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
  it("finds a terminal session whose leader is gone, and takes no other for it", () => {
    const orphaned = table.filter(({ pid }) => pid !== 9)
    const sessionOf = (startTime: string) => pids(treeOf(orphaned, [], { pid: 9, startTime }))
    expect(sessionOf("9@b")).toEqual([20])
    expect(sessionOf("21@b"), "began before the leader").toEqual([])
    expect(sessionOf("9@other"), "of another boot").toEqual([])
    expect(sessionOf("Sun Nov 22 21:02:03 2026@ps"), "can't be compared").toEqual([])
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

  it.live("is ended with its terminal session, also when it is dead itself, and so is the session's leader", () =>
    Effect.gen(function*() {
      // The wrapper leads a session; its child does not go with it.
      const child = spawn("/bin/sh", ["-c", "sh -c 'echo $$; exec sleep 600' & wait"], {
        stdio: ["ignore", "pipe", "ignore"],
        detached: true
      })
      const [line] = yield* Effect.promise(() => once(child.stdout, "data"))
      const leader = yield* readProcess(child.pid ?? 0)
      const inner = yield* readProcess(Number(String(line)))
      if (leader.state !== "alive" || inner.state !== "alive") return yield* Effect.dieMessage("they did not start")
      started.push(leader, inner)
      const exited = once(child, "exit")
      process.kill(leader.pid, "SIGKILL")
      yield* Effect.promise(() => exited)
      expect(yield* processState(inner)).toBe("alive")
      // A stranger with that pid, from an earlier boot, has no say.
      const earlier = { pid: leader.pid, startTime: leader.startTime.replace(/@.*/, "@earlier") }
      expect(yield* endProcessTree(earlier, 500, earlier)).toMatchObject({ gone: true })
      expect(yield* processState(inner)).toBe("alive")
      expect(yield* endProcessTree(leader, 500, leader)).toMatchObject({ gone: true, survivors: [] })
      expect(yield* processState(inner)).toBe("dead")
    }))

  it.live("many that are gone are told by one look", () =>
    Effect.gen(function*() {
      const gone = yield* Effect.forEach(Array.from({ length: 16 }, (_, index) => index), () =>
        Effect.gen(function*() {
          const child = spawn("/bin/true", { detached: true, stdio: "ignore" })
          yield* Effect.promise(() => once(child, "exit"))
          return { pid: child.pid ?? 0, startTime: `1@${bootId()}` }
        }), { concurrency: 16 })
      const looks = vi.spyOn(fs, "readdirSync")
      syncBuiltinESMExports()
      try {
        const reports = yield* Effect.forEach(gone, (each) => endProcessTree(each, 0, each), { concurrency: 16 })
        expect(reports.every((report) => report.gone)).toBe(true)
        expect(looks.mock.calls.filter(([path]) => path === "/proc").length).toBeLessThanOrEqual(4)
      } finally {
        looks.mockRestore()
        syncBuiltinESMExports()
      }
    }))

  it.live("a pid with another start time is never signalled", () =>
    Effect.gen(function*() {
      const { pid, startTime } = yield* start("echo up; exec sleep 600")
      expect(yield* endProcessTree({ pid, startTime: "1@other" }, 0)).toMatchObject({ gone: true })
      expect(yield* processState({ pid, startTime })).toBe("alive")
    }))
})
