import { encodeFormatLiteral } from "./control-words.ts"

// How a pane of ours is recognised: by the start of its command, which tmux keeps from the moment the pane exists. There
// is no instant in which a pane of ours could be taken for a stranger's.

/** Who lives in a pane, as its start command says. */
export interface PaneOwner {
  readonly spawn: string
  readonly team: string
  readonly agent: string
  readonly generation: number
}

/** A row of `list-panes`. */
export interface PaneRow {
  readonly pane: string
  readonly window: string
  readonly session: string
  readonly sessionId: string
  /** The session that the transport made, whatever it is called now. */
  readonly ownSession: boolean
  /** The pane's first process: the recorder, for ours. */
  readonly pid: number
  readonly dead: boolean
  readonly owner: PaneOwner | null
  readonly keeper: boolean
  readonly startCommand: string
}

/** The option of a session by which it is known as the transport's: a user may give it another name. */
export const sessionOption = "@reprise_session"

const marker = "REPRISE_SPAWN="
const keeperMarker = "REPRISE_KEEPER=1"
const cleanEnv = ["/usr/bin/env", "-i"]

/** What a spawn's token may look like: it stands in file names and in tmux's formats. */
export const isToken = (text: string): boolean => /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$/.test(text)

const ownerText = (owner: PaneOwner): string =>
  [owner.spawn, encodeURIComponent(owner.team), encodeURIComponent(owner.agent), owner.generation].join(":")

/** The program of an agent's pane: nothing is inherited from the server, not even the names of its socket. */
export const paneCommand = (owner: PaneOwner, recorder: string, record: string): ReadonlyArray<string> => [
  ...cleanEnv,
  marker + ownerText(owner),
  "/bin/sh",
  recorder,
  record
]

/** The program of the window that keeps the session when the last agent is gone, and greets who looks. */
export const keeperCommand: ReadonlyArray<string> = [
  ...cleanEnv,
  keeperMarker,
  "PATH=/usr/bin:/bin",
  "/bin/sh",
  "-c",
  "trap '' INT QUIT TSTP; printf '%s\\n' 'Reprise keeps its agents in the other windows of this session.' " +
  "'Ctrl-b n and Ctrl-b p go from one to the next, Ctrl-b d leaves them running.'; exec sleep 2147483647"
]

const readOwner = (startCommand: string): PaneOwner | null => {
  const match = /^\/usr\/bin\/env -i "?REPRISE_SPAWN=([\w.-]+):([^:\s"]*):([^:\s"]*):(\d+)"? \/bin\/sh /.exec(startCommand)
  const [, spawn, team, agent, generation] = match ?? []
  if (spawn === undefined || team === undefined || agent === undefined || generation === undefined) return null
  try {
    return { spawn, team: decodeURIComponent(team), agent: decodeURIComponent(agent), generation: Number(generation) }
  } catch {
    return null
  }
}

// No current command and no path: a program chooses these itself, newlines included, and could forge rows.
const rowFormat = [
  "#{pane_id}",
  "#{window_id}",
  "#{pane_pid}",
  "#{pane_dead}",
  "#{session_id}",
  `#{${sessionOption}}`,
  "#{session_name}",
  "#{pane_start_command}"
].join("\t")

/** Asks for all panes of the server, or of one window. */
export const listCommand = (window: string | null): ReadonlyArray<string> =>
  ["list-panes", ...(window === null ? ["-a"] : ["-t", window]), "-F", rowFormat]

/** Reads one row; null when it is none. */
export const parseRow = (line: string): PaneRow | null => {
  const [pane, window, pid, dead, sessionId, own, session, ...command] = line.split("\t")
  if (pane === undefined || window === undefined || sessionId === undefined || session === undefined) return null
  if (!/^%\d+$/.test(pane) || !/^@\d+$/.test(window) || !/^\d+$/.test(pid ?? "") || !/^\$\d+$/.test(sessionId)) return null
  const startCommand = command.join("\t")
  return {
    pane,
    window,
    session,
    sessionId,
    ownSession: own === "1",
    pid: Number(pid),
    dead: dead === "1",
    owner: readOwner(startCommand),
    keeper: startCommand.startsWith(`/usr/bin/env -i ${keeperMarker} `),
    startCommand
  }
}

/** A session of the server. */
export interface SessionRef {
  readonly id: string
  readonly name: string
}

/** The transport's session, found by what is in it; null when there is none. */
export const ownSessionOf = (rows: ReadonlyArray<PaneRow>): SessionRef | null => {
  const row = rows.find((each) => each.ownSession) ?? rows.find((each) => each.keeper)
  return row === undefined ? null : { id: row.sessionId, name: row.session }
}

/** One row a pane: a window that is linked into several sessions is listed in each. */
export const oncePerPane = (rows: ReadonlyArray<PaneRow>): ReadonlyArray<PaneRow> => {
  const found = new Map<string, PaneRow>()
  for (const row of rows) if (!found.has(row.pane) || row.ownSession) found.set(row.pane, row)
  return [...found.values()]
}

/** A tmux condition that holds while the server has nothing but the keeper; without one, nothing at all. */
export const onlyKeeperIn = (keeper: PaneRow | undefined): string =>
  keeper === undefined ? "#{==:#{S:s},}" : "#{==:#{session_windows}/#{window_panes}/#{S:s},1/1/s}"

/** A tmux condition that holds only for the living pane of this spawn. */
export const isPaneOf = (spawn: string): string =>
  `#{&&:#{==:#{pane_dead},0},#{m:/usr/bin/env -i *${marker}${spawn}:*,#{pane_start_command}}}`

/** Starts a window. `-n` is expanded as a format, and its parts are percent-encoded, so that nothing in it can run. */
export const newWindowCommand = (session: string, owner: PaneOwner, command: ReadonlyArray<string>): ReadonlyArray<string> => [
  "new-window",
  "-d",
  "-P",
  "-F",
  "#{pane_id}\t#{window_id}\t#{pane_pid}",
  "-t",
  `${session}:`,
  "-c",
  "/",
  "-n",
  encodeFormatLiteral(`${encodeURIComponent(owner.team)}/${encodeURIComponent(owner.agent)}`),
  ...command
]

/** The size of every window of ours. */
export const windowSize = { columns: 200, rows: 50 }

/** Gives a window its size, which it then keeps whatever clients come to look at it. */
export const sizeCommand = (window: string): ReadonlyArray<string> =>
  ["resize-window", "-t", window, "-x", `${windowSize.columns}`, "-y", `${windowSize.rows}`]
