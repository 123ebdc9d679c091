import * as Schema from "effect/Schema"
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtCommand, compileCache } from "../house/built.ts"

// Real commands on real teams in workspaces that are copied, moved and put back by a user's tools.

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0
const command = hasTmux ? await builtCommand() : ""

const Answer = Schema.parseJson(Schema.Struct({
  ok: Schema.Boolean,
  outcome: Schema.String,
  next: Schema.Array(Schema.String),
  spared: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  certain: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  agents: Schema.optionalWith(
    Schema.Array(Schema.Struct({
      id: Schema.String,
      status: Schema.String,
      pid: Schema.NullOr(Schema.Int),
      cwd: Schema.String,
      session: Schema.NullOr(Schema.Struct({ id: Schema.String, transcript: Schema.NullOr(Schema.String) }))
    })),
    { default: () => [] }
  )
}))
/** What of a verb's document these tests look at. */
export type Answer = typeof Answer.Type
const decodeAnswer = Schema.decodeUnknownSync(Answer)

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const wordsOf = (path: string): ReadonlyArray<string> => {
  try {
    return readFileSync(path, "utf8").split("\0")
  } catch {
    return []
  }
}

/** A home of its own with workspaces below it. `close` ends all processes that carry its name. */
export const makeWorld = () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "ri-")))
  for (const name of ["home", "run", "tmp"]) mkdirSync(join(home, name), { mode: 0o700 })
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(home, "home"),
    XDG_RUNTIME_DIR: join(home, "run"),
    TMPDIR: join(home, "tmp"),
    LANG: "C.UTF-8",
    REPRISE_READY_DEADLINE_MS: "120000",
    ...compileCache()
  }
  const make = (name: string) => {
    const workspace = join(home, name)
    mkdirSync(workspace)
    writeFileSync(join(workspace, "team.yaml"), "name: alpha\ndefaults: { provider: fake, options: { turn: 5 } }\nagents:\n  planner: {}\n  coder-1: {}\n")
    return workspace
  }
  const reprise = (workspace: string, args: ReadonlyArray<string>, changed: Readonly<Record<string, string>> = {}) =>
    new Promise<Said>((done) => {
      const child = spawn(process.execPath, [command, ...args, "--workspace", workspace], {
        cwd: workspace,
        env: { ...env, ...changed },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let [stdout, stderr] = ["", ""]
      child.stdout.on("data", (chunk) => { stdout += String(chunk) })
      child.stderr.on("data", (chunk) => { stderr += String(chunk) })
      child.on("close", (code) => done({ code: code ?? -1, stdout, stderr }))
    })
  const json = async (workspace: string, ...args: ReadonlyArray<string>): Promise<Answer> =>
    decodeAnswer((await reprise(workspace, [...args, "--json"])).stdout)
  const up = (workspace: string) => reprise(workspace, ["up", join(workspace, "team.yaml")])
  /** All processes of teams in this world. */
  const workers = (): ReadonlyArray<number> =>
    readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
      const argv = wordsOf(`/proc/${pid}/cmdline`)
      return argv.some((word) => word.endsWith("/fake/worker.mjs")) &&
          wordsOf(`/proc/${pid}/environ`).some((word) => word.startsWith(`REPRISE_WORKSPACE=${home}/`))
        ? [Number(pid)]
        : []
    }).toSorted((one, other) => one - other)
  const close = () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const isOurs = wordsOf(`/proc/${pid}/environ`).some((word) => word.startsWith("REPRISE_WORKSPACE=") && word.includes(home)) ||
        wordsOf(`/proc/${pid}/cmdline`).some((word) => word.startsWith(`${home}/run/`))
      if (!isOurs || Number(pid) === process.pid) continue
      try {
        process.kill(Number(pid), "SIGKILL")
      } catch {
        // It ended meanwhile.
      }
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  const said = (workspace: string): string => {
    const sessions = join(workspace, ".reprise/fake/sessions")
    return existsSync(sessions)
      ? readdirSync(sessions).filter((name) => name.endsWith(".jsonl")).map((name) => readFileSync(join(sessions, name), "utf8")).join("")
      : ""
  }
  return { home, env, make, reprise, json, up, workers, close, said }
}

export type World = ReturnType<typeof makeWorld>
