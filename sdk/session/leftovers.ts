import type { ProcessRow } from "../plugin/process-table.ts"
import { ancestorsOf, type SeenProcess } from "./adopt-processes.ts"

// Processes that a generation of an agent started and that outlived it. They carry its name in their environment, which
// the host shows; where it does not, nothing is proved and nothing is ended.

/** Whose processes are looked for. */
export interface LeftBy {
  readonly team: string
  readonly agent: string
  /** The workspace, and the id of its log where that is known. */
  readonly workspace: string
  readonly workspaceId: string | null
  /** The newest generation that has ended: what a later one started is not looked at. */
  readonly generation: number
}

/** A process of an ended generation. */
export interface Leftover {
  readonly agent: string
  readonly generation: number
  readonly pid: number
  readonly startTime: string
  /** Its program and arguments, shortened. */
  readonly command: string
  /** Why it is left alone; null where it may be ended. */
  readonly spared: string | null
}

/** The entries of an environment by which such a process is found. */
export const marksOf = ({ agent, team }: Pick<LeftBy, "agent" | "team">): Readonly<Record<string, string>> => ({
  REPRISE_TEAM: team,
  REPRISE_AGENT: agent
})

const isOf = ({ env }: Pick<SeenProcess, "env">, by: LeftBy): boolean => {
  const id = env["REPRISE_WORKSPACE_ID"]
  const here = by.workspaceId !== null && id !== undefined ? id === by.workspaceId : env["REPRISE_WORKSPACE"] === by.workspace
  return here && env["REPRISE_TEAM"] === by.team && env["REPRISE_AGENT"] === by.agent
}

/** Whether it carries the name of another agent. A child that dropped its environment carries none. */
const isAnothers = (process: Pick<SeenProcess, "env">, by: LeftBy): boolean =>
  process.env["REPRISE_AGENT"] !== undefined && !isOf(process, by)

const generationOf = ({ env }: Pick<SeenProcess, "env">): number | null => {
  const text = env["REPRISE_GENERATION"] ?? ""
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}

const shown = (argv: ReadonlyArray<string>): string => {
  const text = argv.join(" ").replace(/\p{Cc}+/gu, " ")
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** Programs that hold what others work in: a terminal server, and Reprise itself. */
const holdsOthers = ({ argv }: Pick<SeenProcess, "argv">): boolean =>
  /^(tmux|screen|zellij|abduco|dtach|sshd|mosh-server)\b/.test(argv[0]?.split("/").at(-1) ?? "") ||
  argv.slice(0, 6).some((word) => /(^|\/)reprise(\.[cm]?[jt]s)?$/.test(word))

const spareReason = (
  process: SeenProcess,
  by: LeftBy,
  callers: ReadonlySet<number>,
  below: ReadonlyArray<SeenProcess>
): string | null => {
  if (callers.has(process.pid)) return "this command was started from it"
  if (process.inTerminal) return "it has a terminal of its own, so a user may be in it"
  if (holdsOthers(process)) return "it may hold other agents or terminals"
  const other = below.find((child) => isAnothers(child, by) || child.inTerminal || holdsOthers(child))
  return other === undefined ? null : `process ${other.pid} below it is not this agent's alone`
}

/**
 * What these processes of the user leave of an ended generation. `inPanes`: processes that a transport knows, which are
 * stopped by it. Spared is what contains or may contain something else: a user's terminal, another agent, this command.
 * Pure.
 */
export const leftoversAmong = (
  processes: ReadonlyArray<SeenProcess>,
  table: ReadonlyArray<Pick<ProcessRow, "pid" | "ppid">>,
  by: LeftBy,
  self: number,
  inPanes: ReadonlySet<number>
): ReadonlyArray<Leftover> => {
  const callers = ancestorsOf(self, table)
  const known = new Map(processes.map((process) => [process.pid, process]))
  const belowOf = (pid: number): ReadonlyArray<number> => {
    const children = table.flatMap((row) => row.ppid === pid ? row.pid : [])
    return [...children, ...children.flatMap(belowOf)]
  }
  const own = processes.filter((process) => isOf(process, by) && !inPanes.has(process.pid))
  return own.flatMap((process): ReadonlyArray<Leftover> => {
    const generation = generationOf(process)
    if (generation === null || generation > by.generation) return []
    const pids = belowOf(process.pid)
    const below = pids.flatMap((pid) => known.get(pid) ?? [])
    // A child that could not be read may be anybody's.
    const unread = pids.find((pid) => !known.has(pid))
    const spared = spareReason(process, by, callers, below) ??
      (unread === undefined ? null : `what process ${unread} below it is could not be read`)
    return [{ agent: by.agent, generation, pid: process.pid, startTime: process.startTime, command: shown(process.argv), spared }]
  })
}
