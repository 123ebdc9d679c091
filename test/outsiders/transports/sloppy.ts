import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import {
  definePlugin,
  Effect,
  fromPromises,
  type PaneIdentity,
  readProcess,
  Schema,
  type SpawnRequest
} from "reprise/plugin"

// A transport with the mistakes that are made in practice. It exists so that the suite can be seen to find them.

interface Child {
  readonly pane: PaneIdentity
  readonly request: SpawnRequest
  readonly process: ChildProcess
  output: string
}

/** Set by the test: from then on the transport can't see its processes. */
export const blindness = { blind: false }

const makeSloppy = () => {
  const children: Array<Child> = []
  const look = () => {
    if (blindness.blind) throw new Error("The processes can't be listed.")
    return children
  }
  // By the bare pid: whoever carries it now.
  const lives = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  const write = (pane: PaneIdentity, text: string) => {
    children.find((child) => child.pane.pid === pane.pid)?.process.stdin?.write(text)
  }
  return fromPromises("sloppy", {
    capabilities: { survivesCaller: false, exitStatus: true, attach: false },
    // Through a shell, unquoted, with all that the caller has in its environment.
    spawn: async (request) => {
      const child = spawn("sh", ["-c", `exec ${request.argv.join(" ")}`], {
        cwd: request.cwd,
        env: { ...process.env, ...request.env }
      })
      await once(child, "spawn")
      child.stdin.on("error", () => {})
      const reading = await Effect.runPromise(readProcess(child.pid ?? 0))
      const pane: PaneIdentity = {
        transport: "sloppy",
        endpoint: "here",
        session: request.team,
        window: request.agent,
        pane: "0",
        pid: reading.pid,
        startTime: reading.state === "unknown" ? "" : reading.startTime ?? "",
        spawn: request.spawn
      }
      const row: Child = { pane, request, process: child, output: "" }
      child.stdout.on("data", (data) => {
        row.output += String(data).replaceAll("\r", "")
      })
      children.push(row)
      return pane
    },
    // What went wrong is nobody's business.
    list: async () => {
      try {
        const panes = look().map(({ pane, request: { agent, generation, team } }) => ({
          identity: pane,
          team,
          agent,
          generation
        }))
        return { home: "up", panes, foreign: [] }
      } catch {
        return { home: "absent", panes: [], foreign: [] }
      }
    },
    inspect: async ({ pid }) =>
      lives(pid)
        ? { state: "alive", evidence: "The pid is there.", exit: null }
        : { state: "dead", evidence: "The pid is not there.", exit: { code: 0, signal: null } },
    capture: async (pane) => ({
      lines: children.find((child) => child.pane.pid === pane.pid)?.output.split("\n") ?? [],
      title: "",
      cursor: { row: 0, column: 0 }
    }),
    leaveModes: async () => {},
    // Line by line, as if it were typed.
    paste: async (pane, text) => write(pane, text.replaceAll("\n", "\r")),
    press: async (pane, keys) => write(pane, keys.map((key) => key === "Enter" ? "\r" : key).join("")),
    interrupt: async ({ pid }) => {
      if (lives(pid)) process.kill(pid, "SIGINT")
    },
    // Asks once, waits for nothing and forgets the children.
    stop: async ({ pid }) => {
      if (lives(pid)) process.kill(pid, "SIGTERM")
      return { gone: true, survivors: [], evidence: "It was asked to stop." }
    },
    // oxlint-disable-next-line require-yield -- it never tells anything
    events: async function*(signal) {
      await once(signal, "abort")
    }
  })
}

export default definePlugin({
  name: "transport-sloppy",
  api: 1,
  needs: {},
  options: Schema.Struct({}),
  setup: () => Effect.sync(() => ({ transports: { sloppy: makeSloppy() } }))
})
