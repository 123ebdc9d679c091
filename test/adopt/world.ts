import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { type IPty, spawn as spawnTerminal } from "@lydell/node-pty"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Adopt, EventLog } from "reprise"
import { endProcessTree, readProcess } from "reprise/plugin"
import { builtins } from "../../sdk/builtins.ts"
import type { Event } from "../../sdk/domain/event.ts"
import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { HostEnvironment } from "../../sdk/lifecycle/operation.ts"
import { PluginHostLive } from "../../sdk/plugin/host/PluginHostLive.ts"

// Workers that a person started by hand, in a tmux server of their own and in plain terminals.

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0
const worker = fileURLToPath(new URL("../../plugins/providers/fake/worker.mjs", import.meta.url))

/** Waits for a condition, and fails loudly when it does not come. */
export const eventually = <A>(what: string, look: () => A | null | false | undefined, limitMs = 60_000): Effect.Effect<A> =>
  Effect.gen(function*() {
    const deadline = Date.now() + limitMs
    for (;;) {
      const found = look()
      if (found !== null && found !== false && found !== undefined) return found
      if (Date.now() > deadline) return yield* Effect.dieMessage(`${what} did not come about`)
      yield* Effect.sleep(10)
    }
  })

export const endByPid = (pid: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    const reading = yield* readProcess(pid)
    if (reading.state === "alive") yield* endProcessTree({ pid, startTime: reading.startTime }, 0)
  })

export const isGone = (pid: number): boolean => Effect.runSync(readProcess(pid)).state === "dead"

/** Kills with SIGKILL, and waits until the host shows that it is gone. */
export const kill = (pid: number): Effect.Effect<void> =>
  Effect.zipRight(
    Effect.sync(() => process.kill(pid, "SIGKILL")),
    Effect.asVoid(eventually(`the end of process ${pid}`, () => isGone(pid)))
  )

/** One that was started by hand, and how its person speaks to it. */
export interface ByHand {
  readonly pid: number
  readonly session: string
  readonly say: (text: string) => Effect.Effect<void>
}

export const makeWorld = Effect.gen(function*() {
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "ra-")))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  )
  const at = (...parts: ReadonlyArray<string>) => join(home, ...parts)
  const workspace = at("work")
  const root = at("work", "conversations")
  for (const name of ["work", "elsewhere", "run", "tmp", "home"]) mkdirSync(at(name), { mode: 0o700 })
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: at("home"),
    XDG_RUNTIME_DIR: at("run"),
    TMPDIR: at("tmp"),
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    REPRISE_STOP_GRACE_MS: "500"
  }
  const socket = at("tmp", "theirs")
  const tmux = (...words: ReadonlyArray<string>) =>
    execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...words], { env, encoding: "utf8" }).trim()

  const recordOf = (pid: number, directory = root): { readonly sessionId: string; readonly status: string } | null => {
    const file = join(directory, ".processes", `${pid}.json`)
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null
  }
  const transcript = (session: string): string => join(root, `${session}.jsonl`)
  const saidIn = (session: string): string => existsSync(transcript(session)) ? readFileSync(transcript(session), "utf8") : ""

  const begun = (pid: number, say: (text: string) => void) =>
    Effect.map(
      eventually(`the start of worker ${pid}`, () => recordOf(pid)?.status === "idle" ? recordOf(pid) : null),
      ({ sessionId }): ByHand => ({
        pid,
        session: sessionId,
        say: (text) =>
          Effect.gen(function*() {
            say(text)
            const session = () => recordOf(pid)?.sessionId ?? sessionId
            if (text === "/clear") return void (yield* eventually("a new conversation", () => session() !== sessionId))
            yield* eventually(`the answer to ${text}`, () => saidIn(session()).includes(`noted: ${text}`))
          })
      })
    )

  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      const workers = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
        try {
          // By their conversations, which are under this world only.
          return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`\0${home}/`) ? Number(name) : []
        } catch {
          return []
        }
      })
      yield* Effect.forEach(workers, endByPid, { discard: true })
      yield* Effect.forEach(servers(), endByPid, { discard: true })
    }))
  /** The tmux servers of this world: its person's, and Reprise's own. */
  const servers = (): ReadonlyArray<number> =>
    [socket, ...readdirSync(at("run")).map((name) => at("run", name, "tmux"))].flatMap((path) => {
      const listed = spawnSync("tmux", ["-S", path, "list-sessions", "-F", "#{pid}"], { env, encoding: "utf8" })
      const pid = Number(listed.stdout.split("\n")[0])
      return listed.status === 0 && pid > 0 ? [pid] : []
    })

  /** A worker in a window of its person's tmux. */
  const inTmux = (cwd = workspace, more: ReadonlyArray<string> = []) =>
    Effect.suspend(() => {
      // A server goes with its last window.
      const up = spawnSync("tmux", ["-S", socket, "has-session"], { env }).status === 0
      const started = up ? ["new-window"] : ["new-session", "-x", "100", "-y", "30"]
      const [pane = "", pid = ""] = tmux(
        ...started, "-d", "-P", "-F", "#{pane_id} #{pane_pid}", "-c", cwd, process.execPath, worker, "--root", root, ...more
      ).split(" ")
      return begun(Number(pid), (text) => void tmux("send-keys", "-t", pane, text, "Enter"))
    })

  /** A worker in a plain terminal. */
  const inTerminal = (cwd = workspace, words: ReadonlyArray<string> = [process.execPath, worker, "--root", root]) =>
    Effect.gen(function*() {
      const [program = "", ...args] = words
      const terminal: IPty = spawnTerminal(program, args, { cwd, env, cols: 100, rows: 30 })
      return yield* begun(terminal.pid, (text) => terminal.write(`${text}\r`))
    })

  /** The living workers that say they are in a conversation. */
  const holders = (session: string): Effect.Effect<ReadonlyArray<number>> =>
    Effect.map(
      Effect.filter(
        readdirSync(join(root, ".processes")).flatMap((name) => /^\d+\.json$/.test(name) ? Number.parseInt(name, 10) : []),
        (pid) => Effect.map(readProcess(pid), ({ state }) => state === "alive" && recordOf(pid)?.sessionId === session)
      ),
      (pids) => pids.sort((a, b) => a - b)
    )

  const services = Layer.mergeAll(
    EventLogSqlite.layer({ directory: join(workspace, ".reprise") }),
    PluginHostLive.layer({ workspace, specs: [], consents: [], builtins, env }),
    Layer.succeed(HostEnvironment, env)
  ).pipe(Layer.provideMerge(NodeContext.layer))
  /** Runs as a command of its own would: everything is opened anew. */
  const run = <A, E>(effect: Effect.Effect<A, E, Layer.Layer.Success<typeof services>>) => Effect.provide(effect, services)
  const options: Adopt.AdoptOptions = { workspace, transport: "tmux", plugins: [] }
  const events = <const Type extends Event["type"]>(type: Type) =>
    run(Effect.flatMap(EventLog, (log) => Stream.runCollect(log.read({ types: [type] })))).pipe(
      Effect.map((entries) => Chunk.toReadonlyArray(entries).flatMap((entry) => entry._tag === "Event" ? [entry.event] : []))
    )
  return { at, env, events, holders, inTerminal, inTmux, options, recordOf, root, run, saidIn, servers, socket, transcript, workspace }
})
