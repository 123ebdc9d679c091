import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs"
import * as Effect from "effect/Effect"
import { bootId } from "../domain/boot.ts"
import { parseStat } from "../plugin/process-table.ts"
import type { HostProcess } from "../plugin/provider-driver.ts"

// The processes of this user, as the host shows them. They are looked at and nothing else.

/** A process with what a person is told of it. */
export interface SeenProcess extends HostProcess {
  /** ISO 8601; null where the host does not tell. */
  readonly startedAt: string | null
  readonly ageMs: number | null
  /** Where it lives: a pane of somebody's tmux, a terminal. */
  readonly place: string
  /** Whether a terminal controls it, as it does what a user works in. */
  readonly inTerminal: boolean
}

/** Clock ticks a second: the same on every Linux that programs are shown. */
const ticksPerSecond = 100

const attempt = <A>(read: () => A): A | null => {
  try {
    return read()
  } catch {
    // It ended between two looks, or is not ours to read.
    return null
  }
}

const environmentOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(text.split("\0").flatMap((entry) => {
    const at = entry.indexOf("=")
    return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)]] : []
  }))

/** The terminal that it talks to, by its open files. */
const terminalOf = (pid: number): string | null =>
  [0, 1, 2].map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)))
    .find((path) => path !== null && /^\/dev\/(pts\/\d+|tty\w+)$/.test(path)) ?? null

/**
 * Where a process with this environment and terminal lives, for people. tmux leaves the server's socket and the pane's id in
 * the environment of what it starts.
 */
export const placeOf = (env: Readonly<Record<string, string>>, terminal: string | null): string => {
  const [socket = ""] = (env["TMUX"] ?? "").split(",")
  const pane = env["TMUX_PANE"] ?? ""
  if (socket !== "" && /^%\d+$/.test(pane)) return `tmux ${socket} ${pane}`
  return terminal === null ? "no terminal" : `tty ${terminal}`
}

/** By the number of its controlling terminal, which is 0 where it has none. */
const isInTerminal = (stat: string): boolean => (stat.slice(stat.lastIndexOf(")") + 2).split(" ")[4] ?? "0") !== "0"

/** The pids of this user's processes whose environment holds all of these; null where the host does not show them. */
export const markedProcesses = (marks: Readonly<Record<string, string>>): Effect.Effect<ReadonlyArray<number> | null> =>
  Effect.sync(() => {
    if (process.platform !== "linux") return null
    const names = attempt(() => readdirSync("/proc"))
    const wanted = Object.entries(marks).map(([name, value]) => `${name}=${value}`)
    return names === null ? null : names.filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      const entries = new Set((attempt(() => readFileSync(`/proc/${name}/environ`, "utf8")) ?? "").split("\0"))
      return wanted.every((entry) => entries.has(entry)) ? [Number(name)] : []
    })
  })

/** When the boot was, in milliseconds of the epoch. */
const bootTime = (): number | null => {
  const seconds = /^btime (\d+)$/m.exec(attempt(() => readFileSync("/proc/stat", "utf8")) ?? "")?.[1]
  return seconds === undefined ? null : Number(seconds) * 1000
}

const look = (pid: number, boot: number | null, now: number): SeenProcess | null => {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8")) ?? ""
  const row = parseStat(stat, bootId())
  const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"))
  if (row === null || row.zombie || command === null || command === "") return null
  const environment = attempt(() => readFileSync(`/proc/${pid}/environ`, "utf8"))
  if (environment === null) return null
  const env = environmentOf(environment)
  const ticks = Number(row.startTime.split("@")[0])
  const startedAt = boot === null ? null : boot + ticks * 1000 / ticksPerSecond
  return {
    pid,
    ppid: row.ppid,
    startTime: row.startTime,
    argv: command.replace(/\0$/, "").split("\0"),
    cwd: attempt(() => readlinkSync(`/proc/${pid}/cwd`)),
    env,
    startedAt: startedAt === null ? null : new Date(startedAt).toISOString(),
    ageMs: startedAt === null ? null : Math.max(0, Math.round(now - startedAt)),
    place: placeOf(env, terminalOf(pid)),
    inTerminal: isInTerminal(stat)
  }
}

/** All processes of this user; null where the host does not show them. Those that can't be read are not among them. */
export const ownProcesses = (now: number): Effect.Effect<ReadonlyArray<SeenProcess> | null> =>
  Effect.sync(() => {
    if (process.platform !== "linux") return null
    const names = attempt(() => readdirSync("/proc"))
    const uid = process.getuid?.()
    if (names === null || uid === undefined) return null
    const boot = bootTime()
    return names.filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      const owner = attempt(() => statSync(`/proc/${name}`).uid)
      return owner === uid ? look(Number(name), boot, now) ?? [] : []
    })
  })

/** The pids from which this one descends, itself first, as the table has them. */
export const ancestorsOf = (
  pid: number,
  table: ReadonlyArray<{ readonly pid: number; readonly ppid: number }>
): ReadonlySet<number> => {
  const parents = new Map(table.map((row) => [row.pid, row.ppid]))
  const found = new Set<number>()
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !found.has(at); at = parents.get(at)) found.add(at)
  return found
}
