import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import { bootId, sameBoot } from "../domain/boot.ts"

/** A process as a lease names it. A bare pid is given out again, so its start, its boot and its host belong to it. */
export interface ProcessIdentity {
  readonly pid: number
  /** As the host tells it; empty where it could not be read. */
  readonly startTime: string
  /** Empty where the host has no id for its boots. */
  readonly boot: string
  /** The machine, and the pid namespace in it. */
  readonly host: string
}

export type Liveness = "alive" | "dead" | "unknown"

const readText = (file: string): string | undefined => {
  try {
    return fs.readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}

const readLink = (file: string): string => {
  try {
    return fs.readlinkSync(file)
  } catch {
    return ""
  }
}

const hostId = (): string =>
  [os.hostname(), readText("/etc/machine-id")?.trim() ?? "", readLink("/proc/self/ns/pid")].join("\0")

interface Seen {
  readonly startTime: string
  readonly ended: boolean
}

/** `/proc/PID/stat`: the name in brackets may hold anything, so fields are counted from the last bracket. */
export const parseStat = (stat: string): Seen | undefined => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [state, startTime] = [fields[0], fields[19]]
  return state === undefined || startTime === undefined || !/^\d+$/.test(startTime)
    ? undefined
    : { startTime, ended: state === "Z" || state === "X" }
}

/** Whether there is no such process; false where that can't be told. */
const provedAbsent = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ESRCH"
  }
}

const hasProc = fs.existsSync("/proc/self/stat")

const askPs = (pid: number): Seen | undefined => {
  try {
    const env = { LC_ALL: "C", TZ: "UTC", PATH: process.env["PATH"] ?? "/usr/bin:/bin" }
    const answer = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      env,
      encoding: "utf8",
      timeout: 2000,
      stdio: ["ignore", "pipe", "ignore"]
    }).trim()
    const [, state = "", startTime = ""] = /^(\S+)\s+(.+)$/.exec(answer) ?? []
    return startTime === "" ? undefined : { startTime, ended: state.startsWith("Z") }
  } catch {
    return undefined
  }
}

const look = (pid: number): Seen | undefined => {
  if (!hasProc) return askPs(pid)
  const stat = readText(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : parseStat(stat)
}

/** This process. */
export const ownIdentity = (): ProcessIdentity => ({
  pid: process.pid,
  startTime: look(process.pid)?.startTime ?? "",
  boot: bootId(),
  host: hostId()
})

/** What can be proved of a process from here, by `us`. What can't be told is unknown, never dead. */
export const liveness = (them: ProcessIdentity, us: ProcessIdentity): Liveness => {
  if (them.boot !== us.boot && !sameBoot(them.boot, us.boot)) {
    // The namespace's number is given out anew by each boot, so only the machine is compared.
    const [theirs, ours] = [them.host.split("\0"), us.host.split("\0")]
    const sameMachine = theirs[0] === ours[0] && theirs[1] === ours[1] && theirs[1] !== ""
    return them.boot !== "" && us.boot !== "" && sameMachine ? "dead" : "unknown"
  }
  if (them.host !== us.host) return "unknown"
  const seen = look(them.pid)
  if (seen === undefined) return provedAbsent(them.pid) ? "dead" : "unknown"
  if (seen.ended) return "dead"
  if (them.startTime === "") return "unknown"
  return seen.startTime === them.startTime ? "alive" : "dead"
}
