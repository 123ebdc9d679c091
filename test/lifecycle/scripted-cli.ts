import * as Fs from "node:fs"
import { join } from "node:path"
import { Effect, type ProviderAgent, type ProviderDriver, type Screen } from "reprise/plugin"
import type { MemoryProgram } from "reprise/testing"

// A coding CLI of a few lines: it does what its script says, so that a test can make it late, wrong or dead.

/** What the CLI of one agent does; what is left out is what a good one does. */
export interface Behaviour {
  /** When a new conversation's file appears. */
  readonly transcript?: "at-start" | "never"
  /** The session that its screen shows, in place of its own. */
  readonly reports?: string
  /** Draws its first screen in two goes, the first of which ends inside its session's id. */
  readonly drawsSlowly?: boolean
  /** Shows this in place of its idle state once something was pasted: `unreadable` makes the reader of its prompts throw. */
  readonly afterPaste?: "awaiting_approval" | "unreadable" | "gibberish"
  /** Asks whether it may trust its directory before it starts. */
  readonly trust?: boolean
  /** Never gets ready. */
  readonly hangs?: boolean
  /** Ends right after its start, with this code. */
  readonly exits?: number
  /** Called when it starts. */
  readonly onStart?: () => void
}

const sessionsOf = (agent: ProviderAgent): string => {
  const given = agent.options["directory"]
  return join(agent.workspace, typeof given === "string" ? given : "sessions")
}

const field = (value: unknown, name: string): string | null => {
  if (typeof value !== "object" || value === null) return null
  const found: unknown = Object.getOwnPropertyDescriptor(value, name)?.value
  return typeof found === "string" ? found : null
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

const lineOf = (screen: Screen, prefix: string): string | null =>
  screen.lines.find((line) => line.startsWith(prefix))?.slice(prefix.length) ?? null

interface Capabilities {
  readonly preassigned: boolean
  readonly serial?: boolean
  readonly resume?: boolean
}

/** The driver of the scripted CLI. `preassigned`: whether it takes the id of a new conversation from us. */
export const scriptedProvider = ({ preassigned, resume = true, serial = false }: Capabilities): ProviderDriver => ({
  capabilities: {
    resume,
    fork: false,
    preassignedSession: preassigned,
    mcp: false,
    headless: false,
    resumeConcurrency: serial ? "serial" : "parallel"
  },
  executables: [],
  checkOptions: () => [],
  command: ({ agent, mode, sessionId }) =>
    Effect.succeed({
      argv: [
        "/bin/scripted",
        mode,
        sessionId ?? "-",
        sessionsOf(agent),
        agent.options["marker"] === true ? `${agent.team}/${agent.id}` : "-",
        ...agent.role === null ? [] : ["--role", agent.role],
        ...agent.tools.flatMap((tool) => ["--tool", tool]),
        ...agent.model === null ? [] : ["--model", agent.model],
        ...agent.permissions === null ? [] : ["--permissions", agent.permissions]
      ],
      env: {},
      files: [],
      configHome: null,
      account: null,
      expectedSession: sessionId
    }),
  sessionAddress: (agent, sessionId) => ({
    directory: sessionsOf(agent),
    transcript: sessionId === null ? null : join(sessionsOf(agent), `${sessionId}.jsonl`)
  }),
  readTranscript: (head, { truncated }) => {
    const [first = "", ...rest] = head.split("\n")
    const identity = parsed(first)
    return {
      sessionId: field(identity, "sessionId"),
      cwd: field(identity, "cwd"),
      marker: field(identity, "agent"),
      spokenTo: truncated || (head !== "" && identity === null) || rest.some((line) => line.includes("\"user\"")),
      whole: head.endsWith("\n")
    }
  },
  holdsUserMessage: (tail, text) => tail.includes(JSON.stringify({ role: "user", text })),
  classify: (screen) => {
    const state = lineOf(screen, "state: ")
    return state === "idle" || state === "busy" || state === "starting" || state === "awaiting_approval" ? state : "unknown"
  },
  startupPrompt: (screen) =>
    lineOf(screen, "ask: ") === null ? null : { name: "trust", question: "Trust this?", answer: ["y"] },
  approvalPrompt: (screen) => {
    if (lineOf(screen, "dialog: ") !== null) throw new Error("a dialog of an unknown shape")
    return null
  },
  draft: (screen) => lineOf(screen, "draft: "),
  reportedSession: ({ screen }) => Effect.succeed(lineOf(screen, "session: ")),
  explainExit: ({ exit }) =>
    exit?.code === 3
      ? { kind: "missing_transcript", reason: "No such conversation.", retryable: false, retryAt: null }
      : exit?.code === 9
      ? { kind: "usage_limit", reason: "The limit is reached.", retryable: true, retryAt: "2030-01-01T00:00:00Z" }
      : { kind: "crash", reason: `It ended with code ${exit?.code ?? "unknown"}.`, retryable: true, retryAt: null }
})

/** The first line of a conversation's file. */
export const identityLine = (sessionId: string, marker?: string): string =>
  `${JSON.stringify({ sessionId, ...marker === undefined ? {} : { agent: marker } })}\n`

/** A line of a conversation that holds something said. */
export const saidLine = (role: "user" | "assistant", text: string): string => `${JSON.stringify({ role, text })}\n`

/** The CLI itself, in memory; `script` says what the one of each agent does now. */
export const scriptedProgram = (script: ReadonlyMap<string, Behaviour>): MemoryProgram => (request, io) => {
  const behaviour = script.get(request.agent) ?? {}
  const [, mode = "fresh", asked = "-", directory = "/nowhere", marker = "-"] = request.argv
  const own = asked === "-" ? `chosen-${request.agent}-${request.generation}` : asked
  const path = join(directory, `${own}.jsonl`)
  behaviour.onStart?.()
  if (behaviour.exits !== undefined) {
    io.exit(behaviour.exits)
    return {}
  }
  if (mode === "resume" && !Fs.existsSync(path)) {
    io.exit(3)
    return {}
  }
  if (mode !== "resume" && behaviour.transcript !== "never") {
    Fs.mkdirSync(directory, { recursive: true })
    Fs.writeFileSync(path, identityLine(own, marker === "-" ? undefined : marker))
  }
  let draft = ""
  // One that chooses its own session does not say which, unless it is told to.
  const reported = behaviour.reports ?? (asked === "-" ? null : own)
  const show = (state: "idle" | "starting" | "awaiting_approval" | "gibberish", more: ReadonlyArray<string> = []) =>
    io.screen([...reported === null ? [] : [`session: ${reported}`], `state: ${state}`, `draft: ${draft}`, ...more])
  if (behaviour.hangs === true) show("starting")
  else if (behaviour.trust === true) io.screen(["ask: Trust this?"])
  else if (behaviour.drawsSlowly === true) {
    io.screen([`session: ${own.slice(0, 6)}`, "state: idle", "draft: "])
    setTimeout(() => show("idle"), 70)
  } else show("idle")
  return {
    onPaste: (text) => {
      draft += text
      if (behaviour.afterPaste === "unreadable") show("idle", ["dialog: ?"])
      else show(behaviour.afterPaste ?? "idle")
    },
    onKey: (key) => {
      if (key === "y" && draft === "") return show("idle")
      if (key !== "Enter") return
      Fs.mkdirSync(directory, { recursive: true })
      if (!Fs.existsSync(path)) Fs.writeFileSync(path, identityLine(own, marker === "-" ? undefined : marker))
      Fs.appendFileSync(path, saidLine("user", draft))
      draft = ""
      show("idle")
    }
  }
}
