import type { ProcessExit, ProcessRef, SpawnRequest } from "reprise/plugin"

// The process of a pane is not the agent but a recorder, which starts the agent as its child and writes down how it
// ended. It is a constant POSIX shell script: all that differs between spawns is in the files of its record directory.

/**
 * `sh recorder DIRECTORY`. The traps keep the recorder alive when the terminal sends INT, QUIT or HUP to everyone in it;
 * caught signals are at their defaults again in the child, where ignored ones would not be. `launch` writes the line of
 * pids first and ends by becoming the program, so the pid that is written is the agent's.
 */
export const recorderScript = `#!/bin/sh
# Starts one agent and records how it ends.
[ -e "$1/pid" ] && exit 125
trap : INT QUIT HUP TERM
ticks() {
  [ "$#" -ge 20 ] && shift 19 && ticks=$1
}
own=$$ ownticks=
if read -r stat </proc/self/stat; then
  own=\${stat%% *}
  ticks \${stat##*) }
  ownticks=$ticks
fi 2>/dev/null
(
  pid= ticks=
  if read -r stat </proc/self/stat; then
    pid=\${stat%% *}
    ticks \${stat##*) }
  else
    pid=$(exec /bin/sh -c 'echo $PPID')
  fi 2>/dev/null
  . "$1/launch"
  exit 126
)
code=$?
printf '%s\\n' "$code" >"$1/exit.part" && mv -f "$1/exit.part" "$1/exit"
[ -e "$1/launch" ] && rm -f "$1/launch"
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
    `printf '%s %s %s %s\\n' "$pid" "\${ticks:--}" "$own" "\${ownticks:--}" >"$1/pid"`,
    `cd -- ${quote(request.cwd)} || exit 126`,
    "unset PWD OLDPWD REPRISE_SPAWN",
    ...exports,
    `exec ${request.argv.map(quote).join(" ")}`,
    ""
  ].join("\n")
}

/** The two processes of a pane: the agent, and the recorder above it. Start times are null where nobody tells them. */
export interface RecordedPids {
  readonly agent: { readonly pid: number; readonly startTime: string | null }
  readonly recorder: ProcessRef | null
}

/** Reads the line that `launch` writes; null while it is not whole. */
export const parsePids = (text: string, boot: string): RecordedPids | null => {
  const match = /^(\d+) (\d+|-) (\d+) (\d+|-)\n$/.exec(text)
  if (match === null) return null
  const at = (ticks: string | undefined) => ticks === undefined || ticks === "-" ? null : `${ticks}@${boot}`
  const recorderStart = at(match[4])
  return {
    agent: { pid: Number(match[1]), startTime: at(match[2]) },
    recorder: recorderStart === null ? null : { pid: Number(match[3]), startTime: recorderStart }
  }
}

/** Reads the recorded status: a shell tells a death by signal as 128 and the signal. Null is unknown, never 0. */
export const parseExit = (text: string): ProcessExit | null => {
  const match = /^(\d{1,3})\n$/.exec(text)
  if (match === null) return null
  const code = Number(match[1])
  return { code, signal: code > 128 && code <= 128 + 64 ? code - 128 : null }
}
