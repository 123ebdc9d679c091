import { type ProcessExit, type ProcessRef, type SpawnRequest, startTimeOf } from "reprise/plugin"

// The process of a pane is not the agent but a recorder, which starts the agent as its child and writes down how it
// ended. It is a constant POSIX shell script: all that differs between spawns is in the files of its record directory.

/**
 * `sh recorder DIRECTORY`. Three processes: the first leads the terminal's session and only waits; the second records;
 * the third becomes the agent. When the terminal goes away, the kernel tells its leader alone: it dies, and by that
 * everyone in the foreground is told, the agent too, and the second lives on to write down what came of it. The traps
 * keep both alive while the agent answers INT or QUIT; caught signals are at their defaults again in the child, where
 * ignored ones would not be. `launch` writes the line of pids and ends by becoming the program.
 */
export const recorderScript = `#!/bin/sh
# Starts one agent and records how it ends.
[ -e "$1/pid" ] && exit 125
ticks() {
  [ "$#" -ge 20 ] && shift 19 && ticks=$1
}
self() {
  pid= ticks=
  if read -r stat </proc/self/stat; then
    pid=\${stat%% *}
    ticks \${stat##*) }
  else
    pid=$(exec /bin/sh -c 'echo $PPID')
  fi 2>/dev/null
}
trap : INT QUIT TERM
self
leader=$pid leaderticks=$ticks
(
  trap : INT QUIT HUP TERM
  self
  recorder=$pid recorderticks=$ticks
  (
    self
    . "$1/launch"
    exit 126
  )
  code=$?
  umask 077
  printf '%s\\n' "$code" >"$1/exit.part" && mv -f "$1/exit.part" "$1/exit"
  [ -e "$1/launch" ] && rm -f "$1/launch"
  exit 0
)
exit 0
`

/** A word as the shell reads it back, whatever it holds. */
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** The names that a shell can hand on. */
export const isPortableName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)

/** Some shells keep these for themselves and end when they are set: tried first where that does no harm. */
const keptByShells = new Set(["OPTIND", "PPID", "UID", "EUID", "SHELLOPTS", "BASHOPTS", "BASH_VERSINFO", "GROUPS"])

/** The part of a spawn that differs: environment, directory and program. Holds secrets: 0600, removed once it is read. */
export const launchScript = (request: SpawnRequest): string => {
  const exports = Object.entries(request.env).filter(([name]) => isPortableName(name)).map(([name, value]) => {
    const line = `export ${name}=${quote(value)}`
    return keptByShells.has(name) ? `(${line}) 2>/dev/null && ${line}` : line
  })
  return [
    // The record is the owner's alone; the agent gets the umask of whoever started it.
    "umask 077",
    `printf '%s %s\\n' "$pid" "\${ticks:--}" "$recorder" "\${recorderticks:--}" "$leader" "\${leaderticks:--}" >"$1/pid"`,
    `umask ${process.umask().toString(8).padStart(4, "0")}`,
    `cd -- ${quote(request.cwd)} || exit 126`,
    "unset PWD OLDPWD REPRISE_SPAWN",
    ...exports,
    `exec ${request.argv.map(quote).join(" ")}`,
    ""
  ].join("\n")
}

/** The processes of a pane: the agent, the recorder above it, and the leader of their terminal session above that. */
export interface RecordedPids {
  /** The start time is null where the recorder can't tell it. */
  readonly agent: { readonly pid: number; readonly startTime: string | null }
  readonly recorder: ProcessRef | null
  readonly leader: ProcessRef | null
}

/** Reads the lines that `launch` writes; null while they are not whole. */
export const parsePids = (text: string, boot: string): RecordedPids | null => {
  const lines = text.split("\n").map((line) => /^(\d+) (\d+|-)$/.exec(line))
  const [agent, recorder, leader] = lines.map((match) => ({
    pid: Number(match?.[1]),
    startTime: match?.[2] === undefined || match[2] === "-" ? null : startTimeOf(match[2], boot)
  }))
  const whole = /^(?:\d+ (?:\d+|-)\n){3}$/.test(text)
  if (!whole || agent === undefined || recorder === undefined || leader === undefined) return null
  const named = ({ pid, startTime }: typeof agent): ProcessRef | null => startTime === null ? null : { pid, startTime }
  return { agent, recorder: named(recorder), leader: named(leader) }
}

/** Reads the recorded status: a shell tells a death by signal as 128 and the signal. Null is unknown, never 0. */
export const parseExit = (text: string): ProcessExit | null => {
  const match = /^(\d{1,3})\n$/.exec(text)
  if (match === null) return null
  const code = Number(match[1])
  return { code, signal: code > 128 && code <= 128 + 64 ? code - 128 : null }
}
