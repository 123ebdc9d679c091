import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import { fileURLToPath } from "node:url"
import { endProcessTree, readProcess } from "reprise/plugin"
import { builtChild, compileCache } from "../house/built.ts"
import { Answer, Order } from "./orders.ts"

// A team of real processes in a tmux server of their own, and a child that works on it and can be killed.

/** Whether this machine has a tmux at all. */
export const hasTmux = spawnSync("tmux", ["-V"]).status === 0

const root = fileURLToPath(new URL("../../", import.meta.url))
const childProgram = hasTmux ? await builtChild() : ""

/** Waits for a condition, and fails loudly when it does not come. */
export const eventually = async <A>(what: string, look: () => A | null | false | undefined, limitMs = 60_000): Promise<A> => {
  const deadline = Date.now() + limitMs
  for (;;) {
    const found = look()
    if (found !== null && found !== false && found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`${what} did not come about`)
    await new Promise((done) => setTimeout(done, 5))
  }
}

/** A worker of the fake provider, as the host's table of processes shows it. */
export interface Worker {
  readonly pid: number
  readonly agent: string
  readonly generation: number
  /** The conversation that it was started in. */
  readonly session: string | null
}

const wordsOf = (path: string): ReadonlyArray<string> => {
  try {
    return readFileSync(path, "utf8").split("\0")
  } catch {
    // It ended between the two looks.
    return []
  }
}

/** All living workers of a workspace, whoever started them and whatever the log says of them. */
export const workersIn = (workspace: string): ReadonlyArray<Worker> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    const argv = wordsOf(`/proc/${pid}/cmdline`)
    if (!argv.some((word) => word.endsWith("/fake/worker.mjs"))) return []
    const env = wordsOf(`/proc/${pid}/environ`)
    if (!env.includes(`REPRISE_WORKSPACE=${workspace}`)) return []
    const named = (name: string) => env.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? ""
    const after = (flag: string) => argv.includes(flag) ? argv[argv.indexOf(flag) + 1] ?? null : null
    return [{
      pid: Number(pid),
      agent: named("REPRISE_AGENT"),
      generation: Number(named("REPRISE_GENERATION")),
      session: after("--resume") ?? after("--session-id")
    }]
  })

const ServerRecord = Schema.parseJson(Schema.Struct({ pid: Schema.Int, startTime: Schema.String, socket: Schema.String }))

/** How a child answered, or that it was killed before it could. */
export type Ended = { readonly _tag: "Answered"; readonly answer: Answer } | { readonly _tag: "Killed"; readonly signal: string }

interface Running {
  readonly process: ChildProcess
  readonly lines: AsyncIterator<string>
  readonly reader: Interface
  readonly exited: Promise<string>
}

const end = async (pid: number): Promise<void> => {
  const reading = await Effect.runPromise(readProcess(pid))
  if (reading.state === "alive") await Effect.runPromise(endProcessTree({ pid, startTime: reading.startTime }, 0))
}

/** Makes a workspace with this team file. `close` ends all that was started in it. */
export const makeWorld = (teamFile: string, settings: Readonly<Record<string, string>> = {}) => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "rk-")))
  const workspace = join(home, "work")
  for (const name of ["work", "run", "tmp", "home"]) mkdirSync(join(home, name), { mode: 0o700 })
  writeFileSync(join(workspace, "team.yaml"), teamFile)
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(home, "home"),
    XDG_RUNTIME_DIR: join(home, "run"),
    TMPDIR: join(home, "tmp"),
    LANG: "C.UTF-8",
    ...compileCache(),
    ...settings
  }
  const events = join(workspace, ".reprise", "events.jsonl")
  const sessions = join(workspace, ".reprise", "fake", "sessions")

  const startChild = (): Running => {
    const started = spawn(process.execPath, [childProgram, workspace], {
      cwd: root,
      env,
      stdio: ["pipe", "pipe", "inherit"]
    })
    const reader = createInterface({ input: started.stdout })
    return {
      process: started,
      reader,
      lines: reader[Symbol.asyncIterator](),
      exited: new Promise((done) => {
        started.once("exit", (code, signal) => done(signal ?? `code ${code}`))
      })
    }
  }
  let child: Running | null = null
  // Starting takes longer than anything else: the next one gets ready while this one works.
  let next: Running | null = null

  /** Gives the child an order and waits for its answer or its death. `meanwhile` is run once it has begun. */
  const order = async (asked: Order, meanwhile?: (pid: number) => Promise<void>): Promise<Ended> => {
    if (child === null) {
      child = next ?? startChild()
      next = null
      await child.lines.next()
    }
    if (asked.death !== undefined) next ??= startChild()
    const { exited, lines, process: running } = child
    running.stdin?.write(`${Schema.encodeSync(Schema.parseJson(Order))(asked)}\n`)
    await meanwhile?.(running.pid ?? 0)
    const line = await lines.next()
    if (line.done === true) {
      child = null
      return { _tag: "Killed", signal: await exited }
    }
    return { _tag: "Answered", answer: Schema.decodeUnknownSync(Schema.parseJson(Answer))(line.value) }
  }
  /** Waits for the end of a child that was killed, even where it had answered before. */
  const gone = async (): Promise<void> => {
    await child?.exited
    child = null
  }
  /** An order that has to be answered. */
  const answer = async (asked: Order): Promise<Answer> => {
    const ended = await order(asked)
    if (ended._tag === "Killed") throw new Error(`The child that was to ${asked.verb} ended: ${ended.signal}.`)
    return ended.answer
  }

  /** The tmux server of this workspace, as its transport recorded it. */
  const server = () => {
    const path = join(workspace, ".reprise", "plugins", "transport-tmux", "server.json")
    return existsSync(path) ? Schema.decodeUnknownSync(ServerRecord)(readFileSync(path, "utf8")) : null
  }
  /** What the agent's user types at its terminal, and Enter. */
  const type = (agentPane: string, text: string): void => {
    const recorded = server()
    if (recorded === null) throw new Error("There is no server to type at.")
    for (const keys of [["-l", text], ["Enter"]]) spawnSync("tmux", ["-S", recorded.socket, "send-keys", "-t", agentPane, ...keys], { env })
  }

  /** The start commands of the panes on the server; empty where no server listens. */
  const panes = (): ReadonlyArray<string> => {
    const recorded = server()
    if (recorded === null) return []
    const listed = spawnSync("tmux", ["-S", recorded.socket, "list-panes", "-a", "-F", "#{pane_start_command}"], {
      env,
      encoding: "utf8"
    })
    return listed.status === 0 ? listed.stdout.split("\n").filter((row) => row !== "") : []
  }
  const isGone = (pid: number) => Effect.runSync(readProcess(pid)).state === "dead"
  /** Kills with SIGKILL, and waits until the host shows that it is gone. */
  const kill = async (pid: number): Promise<void> => {
    process.kill(pid, "SIGKILL")
    await eventually(`the end of process ${pid}`, () => isGone(pid))
  }
  const killServer = async (): Promise<void> => {
    const recorded = server()
    if (recorded === null) throw new Error("There is no server to kill.")
    await kill(recorded.pid)
  }

  const close = async (): Promise<void> => {
    for (const running of [child, next]) {
      if (running === null) continue
      running.process.kill("SIGKILL")
      await running.exited
    }
    const recorded = server()
    if (recorded !== null) await end(recorded.pid)
    for (const { pid } of workersIn(workspace)) await end(pid)
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
  return {
    answer, close, env, events, gone, home, isGone, kill, killServer, order, panes, server, sessions, type, workspace,
    workers: () => workersIn(workspace)
  }
}
export type World = ReturnType<typeof makeWorld>
