import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { bootId, startTimeOf } from "../domain/boot.ts"
import { elapsedMillis } from "../domain/elapsed.ts"
import { sharedLook } from "./shared-look.ts"

// What the host says of its processes. A pid alone is given out again, so a process is named by pid and start time.
// Everything is three-valued: what could not be read is `unknown`, which proves nothing.

/** A process: its pid, and its start time as the host tells it (`<ticks>@<boot>` on Linux). */
export interface ProcessRef {
  readonly pid: number
  readonly startTime: string
}

/** One row of the table of processes. */
export interface ProcessRow extends ProcessRef {
  readonly ppid: number
  /** The pid that leads the process's session (of terminals); null where the host does not say. */
  readonly session: number | null
  /** A zombie has ended: nobody has asked for its status yet, and nobody may ever do. */
  readonly zombie: boolean
  /** It is stopped (SIGSTOP, Ctrl-Z) or held by a debugger: it lives and does nothing. */
  readonly stopped?: boolean
  /** The pid that leads its process group; left out where the host does not say. */
  readonly group?: number
}

/** What is known of a pid. A zombie is `dead` and still has a start time; `startTime: null` is no such process. */
export type ProcessReading =
  | ProcessRow & { readonly state: "alive" }
  | { readonly state: "dead"; readonly pid: number; readonly startTime: string | null }
  | { readonly state: "unknown"; readonly pid: number; readonly reason: string }

/** What ending a process tree came to; `survivors` are those not proved gone. */
export interface EndedTree {
  readonly gone: boolean
  readonly survivors: ReadonlyArray<number>
  readonly evidence: string
}

const errorCode = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

/** Reads one line of `/proc/<pid>/stat`; null when it is not one. The program's name may hold blanks and brackets. */
export const parseStat = (stat: string, boot: string): ProcessRow | null => {
  const pid = Number.parseInt(stat, 10)
  const end = stat.lastIndexOf(")")
  if (end < 0 || !Number.isInteger(pid)) return null
  const fields = stat.slice(end + 2).split(" ")
  const [letter, ppid, group, session, ticks] = [fields[0], Number(fields[1]), Number(fields[2]), Number(fields[3]), fields[19]]
  if (letter === undefined || ticks === undefined || !/^\d+$/.test(ticks) || !Number.isInteger(ppid)) return null
  return {
    pid,
    ppid,
    session: Number.isInteger(session) ? session : null,
    startTime: startTimeOf(ticks, boot),
    zombie: letter === "Z" || letter === "X" || letter === "x",
    stopped: letter === "T" || letter === "t",
    ...Number.isInteger(group) ? { group } : {}
  }
}

/** Reads the answer of `ps -o pid=,ppid=,stat=,lstart=`, a process a line. */
export const parsePs = (output: string): ReadonlyArray<ProcessRow> =>
  output.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S.*?)\s*$/.exec(line)
    if (match === null) return []
    const [, pid, ppid, stat, started] = match
    if (pid === undefined || ppid === undefined || stat === undefined || started === undefined) return []
    return [{
      pid: Number(pid),
      ppid: Number(ppid),
      session: null,
      startTime: `${started.replace(/\s+/g, " ")}@ps`,
      zombie: stat.startsWith("Z"),
      stopped: stat.startsWith("T")
    }]
  })

const hasProc = process.platform === "linux"

type PsAnswer = { readonly _tag: "Rows"; readonly rows: ReadonlyArray<ProcessRow> } | {
  readonly _tag: "Failed"
  readonly reason: string
}

const ps = (selection: ReadonlyArray<string>): Effect.Effect<PsAnswer> =>
  Effect.async<PsAnswer>((resume) => {
    const options = { env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" }, timeout: 5000 }
    execFile("ps", [...selection, "-o", "pid=,ppid=,stat=,lstart="], options, (error, stdout) => {
      // `ps -p` says that there is none by its exit code 1 and no words.
      if (error === null || (error.code === 1 && stdout.trim() === "")) {
        resume(Effect.succeed({ _tag: "Rows", rows: parsePs(stdout) }))
      } else resume(Effect.succeed({ _tag: "Failed", reason: `ps failed: ${errorCode(error)}` }))
    })
  })

const fromRow = (row: ProcessRow): ProcessReading =>
  row.zombie
    ? { state: "dead", pid: row.pid, startTime: row.startTime }
    : { state: "alive", ...row }

/** A process that can be signalled exists, even where its entry is hidden. */
const signalable = (pid: number): "yes" | "no" | "unknown" => {
  try {
    process.kill(pid, 0)
    return "yes"
  } catch (error) {
    const code = errorCode(error)
    return code === "ESRCH" ? "no" : code === "EPERM" ? "yes" : "unknown"
  }
}

const readProc = (pid: number): ProcessReading => {
  try {
    const row = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"), bootId())
    return row === null ? { state: "unknown", pid, reason: `/proc/${pid}/stat can't be understood` } : fromRow(row)
  } catch (error) {
    const code = errorCode(error)
    if ((code === "ENOENT" || code === "ESRCH") && signalable(pid) === "no") {
      return { state: "dead", pid, startTime: null }
    }
    return { state: "unknown", pid, reason: `/proc/${pid}/stat can't be read: ${code}` }
  }
}

/** What the host says of this pid. */
export const readProcess = (pid: number): Effect.Effect<ProcessReading> => {
  if (!Number.isInteger(pid) || pid <= 0) return Effect.succeed({ state: "unknown", pid, reason: `${pid} is no pid` })
  if (hasProc) return Effect.sync(() => readProc(pid))
  return Effect.map(ps(["-p", String(pid)]), (answer): ProcessReading => {
    if (answer._tag === "Failed") return { state: "unknown", pid, reason: answer.reason }
    const row = answer.rows.find((candidate) => candidate.pid === pid)
    return row === undefined ? { state: "dead", pid, startTime: null } : fromRow(row)
  })
}

/** What is known of exactly this process: a pid that was given out again is another one, so ours is dead. */
export const processState = (process: ProcessRef): Effect.Effect<"alive" | "dead" | "unknown"> =>
  Effect.map(readProcess(process.pid), (reading) =>
    reading.state === "alive" && reading.startTime !== process.startTime ? "dead" : reading.state)

const scanProc = (): ReadonlyArray<ProcessRow> | null => {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      try {
        const row = parseStat(readFileSync(`/proc/${name}/stat`, "utf8"), bootId())
        return row === null ? [] : [row]
      } catch {
        // It ended between the two looks.
        return []
      }
    })
  } catch {
    return null
  }
}

/** All processes that the host shows; null when it could not be asked. */
export const processTable: Effect.Effect<ReadonlyArray<ProcessRow> | null> = sharedLook((_host: "this") =>
  hasProc
    ? Effect.sync(scanProc)
    : Effect.map(ps(["-A"]), (answer) => answer._tag === "Rows" ? answer.rows : null)
)("this")

/** How old a look may be that several callers share. */
const sharedMs = 20

let shared: { readonly at: number; readonly rows: ReadonlyArray<ProcessRow> | null } | null = null

/** A look that another caller took a moment ago will do, too. */
const sharedTable: Effect.Effect<ReadonlyArray<ProcessRow> | null> = Effect.suspend(() => {
  if (shared !== null && performance.now() - shared.at <= sharedMs) return Effect.succeed(shared.rows)
  return Effect.tap(processTable, (rows) => Effect.sync(() => shared = { at: performance.now(), rows }))
})

const keyOf = (process: ProcessRef): string => `${process.pid}/${process.startTime}`

/** Whether it began on the same boot and no earlier; false where start times can't be compared. */
const beganSince = (row: ProcessRef, earlier: ProcessRef): boolean => {
  const [ticks, boot] = row.startTime.split("@")
  const [since, on] = earlier.startTime.split("@")
  return boot === on && /^\d+$/.test(ticks ?? "") && /^\d+$/.test(since ?? "") && Number(ticks) >= Number(since)
}

/**
 * Those of the table that belong to one of `known`, by pid and start time, or descend from one, zombies left out.
 * `leader` adds the processes of its terminal session (they may have been handed to init), but not itself. They are
 * told also when the leader is gone: its pid is given to nobody while a session carries it. A pid that another process
 * has now was given out again, so of that session nobody is left.
 */
export const treeOf = (
  table: ReadonlyArray<ProcessRow>,
  known: ReadonlyArray<ProcessRef>,
  leader: ProcessRef | null = null
): ReadonlyArray<ProcessRow> => {
  const wanted = new Set(known.map(keyOf))
  const atLeader = leader === null ? undefined : table.find((row) => row.pid === leader.pid)
  const inSession = (row: ProcessRow): boolean => {
    if (leader === null || row.session !== leader.pid || row.pid === leader.pid) return false
    return atLeader === undefined ? beganSince(row, leader) : keyOf(atLeader) === keyOf(leader)
  }
  const children = new Map<number, Array<ProcessRow>>()
  for (const row of table) children.set(row.ppid, [...children.get(row.ppid) ?? [], row])
  const queue = table.filter((row) => wanted.has(keyOf(row)) || inSession(row))
  const found = new Map<string, ProcessRow>()
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (found.has(keyOf(next))) continue
    found.set(keyOf(next), next)
    queue.push(...children.get(next.pid) ?? [])
  }
  return [...found.values()].filter((row) => !row.zombie)
}

/** The process and all that descends from it now; null when the host could not be asked. */
export const processTree = (root: ProcessRef): Effect.Effect<ReadonlyArray<ProcessRow> | null> =>
  Effect.map(processTable, (table) => table === null ? null : treeOf(table, [root]))

/** Signals exactly this process; a pid that carries another start time is left alone. */
export const signalProcess = (target: ProcessRef, signal: "SIGTERM" | "SIGKILL" | "SIGINT"): Effect.Effect<boolean> =>
  Effect.map(readProcess(target.pid), (reading) => {
    if (reading.state !== "alive" || reading.startTime !== target.startTime) return false
    try {
      process.kill(target.pid, signal)
      return true
    } catch {
      return false
    }
  })

/** How long a killed process may take to vanish before it counts as a survivor. */
const killWaitMs = 5000

/**
 * Ends a process and all its descendants: TERM, a grace, KILL, and a wait until each is proved gone by its start time.
 * Children that appear meanwhile are taken in. Nothing else is ever signalled. `leader` is the process that leads the
 * tree's own terminal session, if any: see `treeOf`.
 */
export const endProcessTree = Effect.fn("endProcessTree")(
  function*(root: ProcessRef, graceMs: number, leader: ProcessRef | null = null) {
    // What descended from a dead process is nobody's child any more: only the terminal session still tells it.
    if ((yield* processState(root)) === "dead" && (leader === null || (yield* processState(leader)) === "dead")) {
      const table = leader === null || !hasProc ? [] : yield* sharedTable
      if (table !== null && treeOf(table, [root], leader).length === 0) {
        return ended(true, [], `process ${root.pid} was gone already`)
      }
    }
    const known = new Map<string, ProcessRef>([[keyOf(root), root]])
    const termed = new Set<string>()
    let remaining: ReadonlyArray<ProcessRef> = [root]
    /** Looks again: what is left of the known ones and of their descendants; false when that can't be told. */
    const look = Effect.gen(function*() {
      const table = yield* processTable
      if (table === null) return false
      remaining = treeOf(table, [...known.values()], leader)
      for (const member of remaining) known.set(keyOf(member), member)
      return true
    })
    const readable = yield* look
    if (!readable || (yield* processState(root)) === "unknown") {
      return ended(false, [root.pid], "the table of processes could not be read, so nothing was signalled")
    }
    const before = remaining.length
    const signalNew = Effect.gen(function*() {
      for (const member of remaining) {
        if (termed.has(keyOf(member))) continue
        termed.add(keyOf(member))
        yield* signalProcess(member, "SIGTERM")
      }
    })
    const wait = Effect.fnUntraced(function*(limitMs: number, signal: Effect.Effect<unknown>) {
      const deadline = (yield* elapsedMillis) + limitMs
      for (let pause = 2;; pause = Math.min(pause * 2, 25)) {
        if ((yield* look) && remaining.length === 0) return
        if ((yield* elapsedMillis) >= deadline) return
        yield* signal
        yield* Effect.sleep(pause)
      }
    })
    yield* wait(graceMs, signalNew)
    const resisted = remaining.length
    if (resisted > 0) {
      yield* wait(killWaitMs, Effect.suspend(() =>
        Effect.forEach(remaining, (member) => signalProcess(member, "SIGKILL"), { discard: true })))
    }
    const sure = yield* look
    const survivors = remaining.map((member) => member.pid)
    const gone = sure && survivors.length === 0
    if (!gone) {
      return ended(false, survivors, sure
        ? `${survivors.length} of ${known.size} processes are still there after SIGKILL`
        : "the table of processes could not be read after the signals")
    }
    return ended(true, [], before === 0
      ? `process ${root.pid} was gone already`
      : `${known.size === 1 ? "the process is" : `all ${known.size} processes are`} gone` +
        (resisted === 0 ? " after SIGTERM" : `, ${resisted} only after SIGKILL`))
  }
)

const ended = (gone: boolean, survivors: ReadonlyArray<number>, evidence: string): EndedTree => ({
  gone,
  survivors,
  evidence
})
