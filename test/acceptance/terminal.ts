import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Home } from "./home.ts"

// A person's own terminal: a tmux server on a socket of its own, driven as a hand would drive it.

/** Waits for a condition, and fails loudly with what is there instead. */
export const eventually = async <A>(
  what: string,
  look: () => A | null | false | undefined | Promise<A | null | false | undefined>,
  options: { readonly limitMs?: number; readonly instead?: () => string } = {}
): Promise<A> => {
  const deadline = Date.now() + (options.limitMs ?? 60_000)
  for (;;) {
    const found = await look()
    if (found !== null && found !== false && found !== undefined) return found
    if (Date.now() > deadline) {
      throw new Error(`${what} did not come about${options.instead === undefined ? "" : `; instead: ${options.instead()}`}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** A live process: neither ended nor a zombie. */
export const lives = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2))
  } catch {
    return false
  }
}

const environmentOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8")
  } catch {
    return ""
  }
}

/** A tmux server is told by its socket: it may have been started in an environment that names no home. */
const servesIn = (home: Home, pid: string): boolean => {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
    return words[0] === "tmux" && (words[words.indexOf("-S") + 1] ?? "").startsWith(`${home.root}/`)
  } catch {
    return false
  }
}

/** Every live process whose home is this one, tmux servers too: all that was started in it, whoever its parent is. */
export const processesOf = (home: Home): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) =>
      /^\d+$/.test(name) && (environmentOf(name).split("\0").includes(`HOME=${home.home}`) || servesIn(home, name)))
    .map(Number)
    .filter((pid) => pid !== process.pid && lives(pid))

/** Ends them all at once, as a machine that loses its power does. */
export const killAll = async (home: Home): Promise<ReadonlyArray<number>> => {
  const killed = new Set<number>()
  await eventually("the end of all processes of the home", () => {
    const left = processesOf(home)
    for (const pid of left) {
      killed.add(pid)
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // It was faster.
      }
    }
    return left.length === 0
  })
  return [...killed]
}

/** Opens a tmux server of the person's own, with nothing of a user's configuration. */
export const openTerminal = (home: Home, name = "t") => {
  const socket = join(home.root, name)
  const tmux = (args: ReadonlyArray<string>, input?: string): string => {
    const ran = spawnSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], {
      env: home.env,
      encoding: "utf8",
      ...input === undefined ? {} : { input }
    })
    if (ran.status !== 0) throw new Error(`tmux ${args[0]} failed: ${ran.stderr}`)
    return ran.stdout
  }
  let opened = false
  /** Starts a program in a pane of its own and answers with the pane. */
  const start = (argv: ReadonlyArray<string>, cwd = home.work): string => {
    const words = opened ? ["new-window", "-d"] : ["new-session", "-d", "-x", "120", "-y", "40"]
    const pane = tmux([...words, "-P", "-F", "#{pane_id}", "-c", cwd, "--", ...argv]).trim()
    opened = true
    return pane
  }
  const screen = (pane: string): string => tmux(["capture-pane", "-p", "-t", pane]).replace(/\n+$/, "")
  const keys = (pane: string, ...names: ReadonlyArray<string>): void => {
    tmux(["send-keys", "-t", pane, ...names])
  }
  const paste = (pane: string, text: string): void => {
    tmux(["load-buffer", "-b", "p", "-"], text)
    tmux(["paste-buffer", "-p", "-d", "-b", "p", "-t", pane])
  }
  const shows = (pane: string, pattern: RegExp, limitMs?: number): Promise<RegExpExecArray> =>
    eventually(`a screen that shows ${pattern}`, () => pattern.exec(screen(pane)), {
      instead: () => screen(pane),
      ...limitMs === undefined ? {} : { limitMs }
    })
  /** Types a message and sends it, the way a person does: the text is seen before Enter is pressed. */
  const send = async (pane: string, text: string): Promise<void> => {
    paste(pane, text)
    const seen = text.trim().split("\n").at(-1)?.slice(0, 30) ?? ""
    await eventually("the typed text on the screen", () => screen(pane).includes(seen), { instead: () => screen(pane) })
    keys(pane, "Enter")
  }
  return {
    socket,
    start,
    screen,
    keys,
    paste,
    shows,
    send,
    title: (pane: string): string => tmux(["display-message", "-p", "-t", pane, "#{pane_title}"]).trim(),
    pid: (pane: string): number => Number(tmux(["display-message", "-p", "-t", pane, "#{pane_pid}"])),
    close: (): void => {
      if (opened) spawnSync("tmux", ["-S", socket, "kill-server"], { env: home.env })
    }
  }
}
export type Terminal = ReturnType<typeof openTerminal>
