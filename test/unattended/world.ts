// A workspace of its own with the installed command, in an environment that each call chooses.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { endProcessTree, readProcess } from "reprise/plugin"
import { compileCache } from "../house/built.ts"

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0


export interface Answer {
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** The document on standard output; null where there is none. */
  readonly json: unknown
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** A member of a document, by its path. */
export const at = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>((inner, name) =>
    typeof inner === "object" && inner !== null ? Object.getOwnPropertyDescriptor(inner, name)?.value : undefined, value)

const end = async (pid: number): Promise<void> => {
  const reading = await Effect.runPromise(readProcess(pid))
  if (reading.state === "alive") await Effect.runPromise(endProcessTree({ pid, startTime: reading.startTime }, 0))
}

/** Waits for something to be so, and fails loudly where it does not become so. */
export const eventually = async <A>(what: string, look: () => A | null | undefined | false, limitMs = 30_000): Promise<A> => {
  const deadline = Date.now() + limitMs
  for (;;) {
    const found = look()
    if (found !== null && found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`${what} did not come about`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** `command`: of `installCommand`. */
export const openWorld = (command: string, team: string) => {
  const box = realpathSync(mkdtempSync(join(tmpdir(), "ru-")))
  const inBox = (...parts: ReadonlyArray<string>) => join(box, ...parts)
  for (const name of ["work", "home", "run", "tmp"]) mkdirSync(inBox(name), { mode: 0o700 })
  const write = (name: string, text: string) => writeFileSync(inBox("work", name), text)
  write("team.yaml", team)
  const env: Readonly<Record<string, string>> = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: inBox("home"),
    XDG_RUNTIME_DIR: inBox("run"),
    TMPDIR: inBox("tmp"),
    NO_COLOR: "1",
    REPRISE_STOP_GRACE_MS: "1000",
    ...compileCache()
  }
  const running: Array<ChildProcess> = []
  const start = (args: ReadonlyArray<string>, more: Readonly<Record<string, string | undefined>> = {}) => {
    const given = Object.fromEntries(Object.entries({ ...env, ...more }).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]))
    const child = spawn(process.execPath, [command, ...args], { cwd: inBox("work"), env: given, stdio: ["ignore", "pipe", "pipe"] })
    running.push(child)
    const said = { out: "", err: "" }
    child.stdout.on("data", (chunk) => { said.out += String(chunk) })
    child.stderr.on("data", (chunk) => { said.err += String(chunk) })
    const ended = new Promise<number | null>((done) => child.once("close", (code) => done(code)))
    return { child, said, ended, heard: (words: string) => eventually(`"${words}" in:\n${said.out}${said.err}`, () => `${said.out}${said.err}`.includes(words)) }
  }
  const reprise = async (args: ReadonlyArray<string>, more: Readonly<Record<string, string | undefined>> = {}): Promise<Answer> => {
    const { ended, said } = start([...args, "--json"], more)
    const code = await ended
    return { code, ...said, json: parsed(said.out) }
  }
  const serverPid = (socket: string): number => {
    try {
      const shown = execFileSync("tmux", ["-S", socket, "list-sessions", "-F", "#{pid}"], {
        env: { PATH: env["PATH"] ?? "" },
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 10_000
      })
      return Number(shown.toString().split("\n")[0])
    } catch {
      return 0
    }
  }
  /** Processes whose environment names this workspace. */
  const processes = (): ReadonlyArray<{ readonly pid: number; readonly env: ReadonlyArray<string> }> =>
    readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      try {
        const own = readFileSync(`/proc/${name}/environ`, "utf8").split("\0")
        return own.includes(`REPRISE_WORKSPACE=${inBox("work")}`) ? [{ pid: Number(name), env: own }] : []
      } catch {
        return []
      }
    })
  const socket = (): string => {
    const file = inBox("work", ".reprise", "plugins", "transport-tmux", "server.json")
    const known = existsSync(file) ? at(parsed(readFileSync(file, "utf8")), "socket") : undefined
    return typeof known === "string" ? known : ""
  }
  const close = async (): Promise<void> => {
    for (const child of running) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
    }
    const server = socket() === "" ? 0 : serverPid(socket())
    if (server !== 0) await end(server)
    for (const { pid } of processes()) await end(pid)
    rmSync(box, { recursive: true, force: true, maxRetries: 5 })
  }
  const log = (): string => readFileSync(inBox("work", ".reprise", "events.jsonl"), "utf8")
  return { box, work: inBox("work"), home: inBox("home"), env, write, start, reprise, processes, socket, serverPid, log, close }
}

export type World = ReturnType<typeof openWorld>

/** The pid of an agent in a status document; 0 where it has none. */
export const pidOf = ({ json }: Answer, agent: string): number => {
  const agents = at(json, "agents")
  const entry: unknown = Array.isArray(agents) ? agents.find((each: unknown) => at(each, "id") === agent) : undefined
  const pid = at(entry, "pid")
  return typeof pid === "number" ? pid : 0
}

/** The environment of a process. */
export const environmentOf = (pid: number): ReadonlyArray<string> => readFileSync(`/proc/${pid}/environ`, "utf8").split("\0")
