// The installed command in a home of its own: its workspaces, runtime directory and temporary files are all below one box.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compileCache } from "../house/built.ts"

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** What a verb answers with `--json`. */
export interface Answer {
  readonly outcome: string
  readonly ok: boolean
  readonly message: string
  readonly next: ReadonlyArray<string>
  readonly [member: string]: unknown
}

const isAnswer = (value: unknown): value is Answer =>
  typeof value === "object" && value !== null && "outcome" in value && "message" in value && "next" in value

/** The one document on standard output; fails on anything else there. */
export const answerIn = ({ err, out }: Ran): Answer => {
  const lines = out.split("\n").filter((line) => line !== "")
  const value: unknown = lines.length === 1 ? JSON.parse(lines[0] ?? "") : undefined
  if (!isAnswer(value)) throw new Error(`not one document: ${out}\n${err}`)
  return value
}

export const lives = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2))
  } catch {
    return false
  }
}

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

const directoryOf = (pid: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ""
  }
}

/** Waits for a condition. */
export const eventually = async <A>(what: string, look: () => A | null | undefined | false, limitMs = 40_000): Promise<A> => {
  const deadline = Date.now() + limitMs
  for (;;) {
    const found = look()
    if (found !== null && found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`${what} did not come about`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

export const openBox = (command: string) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "rb-")))
  const at = (...parts: ReadonlyArray<string>) => join(root, ...parts)
  for (const name of ["work", "home", "run", "tmp"]) mkdirSync(at(name), { mode: 0o700 })
  const env: Readonly<Record<string, string>> = {
    PATH: process.env["PATH"] ?? "",
    HOME: at("home"),
    XDG_RUNTIME_DIR: at("run"),
    TMPDIR: at("tmp"),
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    ...compileCache()
  }
  interface Where {
    readonly cwd?: string
    readonly env?: Readonly<Record<string, string>>
  }
  const start = (args: ReadonlyArray<string>, { cwd = at("work"), env: more = {} }: Where = {}) =>
    spawn(process.execPath, [command, ...args], { cwd, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] })
  const ended = (child: ChildProcess) =>
    new Promise<Ran>((done) => {
      let [out, err] = ["", ""]
      child.stdout?.on("data", (chunk) => { out += String(chunk) })
      child.stderr?.on("data", (chunk) => { err += String(chunk) })
      child.on("close", (code) => done({ code, out, err }))
    })
  const run = (args: ReadonlyArray<string>, where?: Where) => ended(start(args, where))
  /** Runs a verb with `--json`, and gives its answer with its exit code. */
  const ask = async (args: ReadonlyArray<string>, where?: Where): Promise<Answer & { readonly code: number | null; readonly err: string }> => {
    const ran = await run([...args, "--json"], where)
    return { ...answerIn(ran), code: ran.code, err: ran.err }
  }
  /** Every live process whose home is this one or that works below the box. */
  const processes = (): ReadonlyArray<number> =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && (
        read(`/proc/${name}/environ`).split("\0").includes(`HOME=${at("home")}`) || directoryOf(name).startsWith(`${root}/`)))
      .map(Number)
      .filter((pid) => pid !== process.pid && lives(pid))
  const close = async () => {
    await eventually("the end of all processes of the box", () => {
      const left = processes()
      for (const pid of left) {
        try {
          process.kill(pid, "SIGKILL")
        } catch {
          // It was faster.
        }
      }
      return left.length === 0
    })
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
  return {
    root,
    at,
    env,
    start,
    ended,
    run,
    ask,
    processes,
    close,
    write: (name: string, text: string) => writeFileSync(at(name), text),
    log: () => existsSync(at("work/.reprise/events.jsonl")) ? readFileSync(at("work/.reprise/events.jsonl"), "utf8") : ""
  }
}

export type Box = ReturnType<typeof openBox>
