import { type ChildProcess, spawn } from "node:child_process"
import { EventEmitter, on, once } from "node:events"
import { constants } from "node:os"
import {
  definePlugin,
  Effect,
  endProcessTree,
  fromPromises,
  type PaneIdentity,
  type ProcessExit,
  processState,
  readProcess,
  Schema,
  type SpawnRequest,
  type TransportEvent
} from "reprise/plugin"

// A transport as a stranger would write it: child processes on plain pipes, in async functions.

interface Child {
  readonly pane: PaneIdentity
  readonly request: SpawnRequest
  readonly process: ChildProcess
  output: string
  exit: ProcessExit | null
}

const keys: Readonly<Record<string, string>> = { Enter: "\r", Tab: "\t", Space: " " }
const gone = (pane: PaneIdentity) => ({ reason: "Gone", detail: `Process ${pane.pid} has ended.` })
const sameProcess = (a: PaneIdentity, b: PaneIdentity) =>
  a.pid === b.pid && a.startTime === b.startTime && a.spawn === b.spawn

const makePipes = () => {
  const children: Array<Child> = []
  const news = new EventEmitter<{ event: [TransportEvent] }>()
  const living = () => children.filter(({ exit }) => exit === null)
  // The host knows of a death before its event is here.
  const find = async (pane: PaneIdentity): Promise<Child> => {
    const child = living().find((candidate) => sameProcess(candidate.pane, pane))
    if (child === undefined || await Effect.runPromise(processState(pane)) === "dead") throw gone(pane)
    return child
  }
  const write = async (pane: PaneIdentity, text: string) => {
    const child = await find(pane)
    await new Promise<void>((resolve, reject) => {
      child.process.stdin?.write(text, (problem) => problem ? reject(gone(pane)) : resolve())
    })
  }
  const stop = (pane: PaneIdentity, graceMs: number) => Effect.runPromise(endProcessTree(pane, graceMs, pane))

  const transport = fromPromises("pipes", {
    capabilities: { survivesCaller: false, exitStatus: true, attach: false },
    spawn: async (request) => {
      const [program = "", ...args] = request.argv
      const process = spawn(program, args, { cwd: request.cwd, env: request.env, detached: true })
      const started = once(process, "spawn").catch((problem) => {
        throw { reason: "Refused", detail: `${program} was not started: ${String(problem)}` }
      })
      const ended = new Promise<ProcessExit>((resolve) =>
        process.once("exit", (code, signal) =>
          resolve({ code, signal: signal === null ? null : constants.signals[signal] }))
      )
      process.stdin.on("error", () => {})
      await started
      const reading = await Effect.runPromise(readProcess(process.pid ?? 0))
      if (reading.state === "unknown" || reading.startTime === null) throw new Error(`${program} can't be identified.`)
      const pane: PaneIdentity = {
        transport: "pipes",
        endpoint: `pipes:${globalThis.process.pid}`,
        session: request.team,
        window: request.agent,
        pane: String(children.length),
        pid: reading.pid,
        startTime: reading.startTime,
        spawn: request.spawn
      }
      const child: Child = { pane, request, process, output: "", exit: null }
      for (const stream of [process.stdout, process.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          child.output = (child.output + text.replaceAll("\r", "")).slice(-100_000)
        })
      }
      children.push(child)
      void ended.then((exit) => {
        child.exit = exit
        news.emit("event", { _tag: "Exited", pane, exit })
      })
      return pane
    },
    list: async () => ({
      home: "up",
      panes: living().map(({ pane, request: { agent, generation, team } }) => ({
        identity: pane,
        team,
        agent,
        generation
      })),
      foreign: []
    }),
    inspect: async (pane) => {
      const child = children.find((candidate) => sameProcess(candidate.pane, pane))
      const state = await Effect.runPromise(processState(pane))
      if (state === "unknown") return { state, evidence: "The process could not be looked at.", exit: null }
      if (state === "dead") return { state, evidence: "The process is gone.", exit: child?.exit ?? null }
      return child === undefined
        ? { state: "orphaned", evidence: "The process lives; it is not a child of ours.", exit: null }
        : { state: "alive", evidence: "The process is a living child.", exit: null }
    },
    capture: async (pane) => {
      const lines = (await find(pane)).output.split("\n").slice(-50)
      while (lines.length > 0 && lines.at(-1) === "") lines.pop()
      return { lines, title: "", cursor: { row: Math.max(0, lines.length - 1), column: lines.at(-1)?.length ?? 0 } }
    },
    leaveModes: async (pane) => {
      await find(pane)
    },
    paste: async (pane, text) => write(pane, `\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`),
    press: async (pane, pressed) => write(pane, pressed.map((key) => keys[key] ?? key).join("")),
    interrupt: async (pane) => {
      const child = await find(pane)
      child.process.kill("SIGINT")
    },
    stop: async (pane, { graceMs }) => stop(pane, graceMs),
    events: async function*(signal) {
      try {
        for await (const [event] of on(news, "event", { signal })) yield event
      } catch (problem) {
        if (!signal.aborted) throw problem
      }
    }
  })
  return { transport, close: () => Promise.all(living().map(({ pane }) => stop(pane, 1000))) }
}

export default definePlugin({
  name: "transport-pipes",
  api: 1,
  needs: {},
  options: Schema.Struct({}),
  setup: () =>
    Effect.acquireRelease(Effect.sync(makePipes), ({ close }) => Effect.promise(close)).pipe(
      Effect.map(({ transport }) => ({ transports: { pipes: transport } }))
    )
})
