import * as Effect from "effect/Effect"
import { basename, join } from "node:path"
import type { ProviderDriver } from "../../plugin/provider-driver.ts"
import type { Screen } from "../../plugin/transport-driver.ts"
import type { MemoryProgram } from "../memory-program.ts"
import { type Limit, limitOf, statusOf } from "./simulated-limit.ts"
import type { SimulatedFiles } from "./SimulatedFiles.ts"

// A coding CLI of the simulated world: it keeps conversations, asks questions when it starts, and can be slow or wrong.

/** What the CLI of one agent does; what is left out is what a good one does. */
export interface CliBehaviour {
  readonly startup?: "ready" | "slow" | "trust" | "hangs" | "exits"
  /** When a new conversation's file appears. */
  readonly transcript?: "at-once" | "at-start" | "at-first-message"
  /** A resume comes up blank: in a conversation of its own, or under the id that was asked for. */
  readonly resumes?: "well" | "elsewhere"
  /** How long a turn takes, in milliseconds. */
  readonly turn?: number
  readonly ignoresStop?: boolean
  /** Ends so many milliseconds after each start, by itself. */
  readonly livesMs?: number
  /** Opens a dialog as soon as something was pasted. */
  readonly dialog?: boolean
}

/** What is told of a CLI's life. */
export interface CliReports {
  /** It ended by itself while it was at work. */
  readonly onEnded: (pid: number) => void
  /** It can't work now. `ended`: it does not live on. */
  readonly onLimited: (pid: number, until: number | null, ended: boolean) => void
  /** `path`: null where it is not the conversation that it was asked for. */
  readonly onStart: (pid: number, session: string, path: string | null) => void
  readonly onHeard: (pid: number, session: string, text: string) => void
  /** Its user began another conversation in it. */
  readonly onClear: (pid: number, session: string, path: string) => void
}

/** What a user says to begin another conversation. */
export const clear = "/clear"

/** A text that begins so is a command of the CLI's own: it leaves the input line, and no conversation holds it. */
const commandMark = "/"
/** A text that begins so stays in the input line. */
const shellMark = "!"
/** What a user says for a turn to fail for a login. */
export const failing = "/fail"

/** The name under which its processes run. */
export const program = "/sim/cli"

const parsed = (line: string): Readonly<Record<string, unknown>> | null => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null ? { ...value } : null
  } catch {
    return null
  }
}

const text = (value: unknown): string | null => typeof value === "string" ? value : null
const line = (value: unknown): string => `${JSON.stringify(value)}\n`
const saidIn = (tail: string): ReadonlyArray<string> =>
  tail.split("\n").flatMap((row) => {
    const record = parsed(row)
    return record?.["role"] === "user" ? text(record["text"]) ?? [] : []
  })
const shown = (screen: Screen, prefix: string): string | null =>
  screen.lines.find((row) => row.startsWith(prefix))?.slice(prefix.length) ?? null

const directoryOf = (provider: string, workspace: string, directory: unknown): string =>
  join(workspace, typeof directory === "string" ? directory : "sessions", provider)

/** Whether a transcript holds something that a user said. */
export const holdsUserRecord = (transcript: string): boolean => transcript.includes("\"role\":\"user\"")

export interface ProviderKind {
  /** It takes the id of a new conversation from us; else it chooses one and says so on its screen, or keeps it to itself. */
  readonly session: "assigned" | "reported" | "silent" | "marked"
  readonly serial?: boolean
}

/** The providers that a team of a simulated world may have, by name. */
export const providerKinds: Readonly<Record<string, ProviderKind>> = {
  assigned: { session: "assigned" },
  serial: { session: "assigned", serial: true },
  reported: { session: "reported" },
  silent: { session: "silent" },
  marked: { session: "marked" }
}

/** The driver of the simulated CLI. */
export const simulatedProvider = (name: string, { serial = false, session }: ProviderKind): ProviderDriver => ({
  capabilities: {
    resume: true,
    fork: false,
    preassignedSession: session === "assigned",
    mcp: false,
    headless: false,
    resumeConcurrency: serial ? "serial" : "parallel"
  },
  executables: [],
  checkOptions: () => [],
  command: ({ agent, mode, sessionId }) =>
    Effect.succeed({
      argv: [
        program,
        mode,
        sessionId ?? "-",
        directoryOf(name, agent.workspace, agent.options["directory"]),
        agent.permissions ?? "-",
        session === "marked" ? `${agent.team}/${agent.id}` : "-",
        session,
        ...typeof agent.options["login"] === "string" ? [agent.options["login"]] : []
      ],
      env: {},
      files: [],
      configHome: null,
      account: null
    }),
  sessionAddress: (agent, id) => {
    const directory = directoryOf(name, agent.workspace, agent.options["directory"])
    return { directory, transcript: id === null ? null : join(directory, `${id}.jsonl`) }
  },
  readTranscript: (head, { truncated }) => {
    const first = parsed(head.split("\n")[0] ?? "")
    return {
      sessionId: text(first?.["sessionId"]),
      cwd: null,
      marker: text(first?.["agent"]),
      spokenTo: truncated || (head !== "" && first === null) || holdsUserRecord(head),
      whole: head.endsWith("\n")
    }
  },
  holdsUserMessage: (tail, message) => saidIn(tail).includes(message),
  userMessages: saidIn,
  // That blanks at the end of a text are lost is known to nobody.
  composer: {
    entryOf: (message) =>
      message.startsWith(commandMark) || message.startsWith(shellMark)
        ? { _tag: "interpreted", effect: "reads it as a command" }
        : { _tag: "exact", pieces: [message] },
    eraseLine: ["C-u"]
  },
  classify: (screen) => {
    const state = shown(screen, "state: ")
    return state === "idle" || state === "busy" || state === "starting" || state === "awaiting_approval" ? state : "unknown"
  },
  startupPrompt: (screen) => {
    const question = shown(screen, "ask: ")
    return question === null ? null : { name: "trust", question, answer: ["y"] }
  },
  approvalPrompt: (screen) =>
    shown(screen, "state: ") === "awaiting_approval"
      ? { question: "May I?", choices: [{ label: "yes", keys: ["1"] }] }
      : null,
  draft: (screen) => shown(screen, "draft: ") ?? "",
  reportedSession: ({ screen }) => Effect.succeed(shown(screen, "session: ")),
  login: ({ options: { login } }, env) => ({
    variables: typeof login === "string" && (env[login] ?? "") !== "" ? [login] : [],
    stored: false
  }),
  trouble: (screen) => {
    const [status, said] = [shown(screen, "limit: "), shown(screen, "failed: ")]
    if (status !== null) return limitOf(name, Number(status))
    return said === null ? null : { kind: "auth", reason: said, retryable: false, retryAt: null, inConversation: true }
  },
  lastTurnAt: (tail) => text(tail.split("\n").map((row) => parsed(row)?.["at"]).findLast((at) => typeof at === "string")),
  explainExit: ({ exit }) => limitOf(name, exit?.code ?? 0) ?? {
    kind: exit?.code === 3 ? "missing_transcript" : "crash",
    reason: `${name} ended with code ${exit?.code ?? "unknown"}.`,
    retryable: exit?.code !== 3,
    retryAt: null
  }
})

/** The command line with which a person starts the CLI, in a conversation of before or in a new one. */
export const byHand = (provider: string, permissions: string | null, workspace: string, session: string | null): ReadonlyArray<string> => [
  program,
  session === null ? "fresh" : "resume",
  session ?? "-",
  directoryOf(provider, workspace, undefined),
  permissions ?? "-",
  "-",
  providerKinds[provider]?.session ?? "silent"
]

export interface CliWorld {
  /** What the CLI of each agent does now. */
  readonly behaviours: ReadonlyMap<string, CliBehaviour>
  /** What keeps them from working. */
  readonly limits: ReadonlyMap<string, Limit>
  readonly files: SimulatedFiles
  readonly reports: CliReports
  readonly now: () => number
}

/** The CLI itself. */
export const simulatedCli = ({ behaviours, files, limits, now, reports }: CliWorld): MemoryProgram => (request, io) => {
  const behaviour = behaviours.get(request.agent) ?? {}
  const [, mode = "fresh", asked = "-", directory = "/nowhere", , marker = "-", kind = "assigned"] = request.argv
  const pathOf = (id: string): string => join(directory, `${id}.jsonl`)
  // One that says nothing of its session could not be told from one that did as it was asked.
  const says = kind !== "silent" && kind !== "marked"
  const blank = mode === "resume" && behaviour.resumes === "elsewhere" && says
  let own = asked === "-" || blank ? `chosen-${request.agent}-${io.pid}` : asked
  let path = pathOf(own)
  let clears = 0
  io.title(basename(request.cwd))
  if (behaviour.startup === "exits") {
    io.exit(1)
    return {}
  }
  if (mode === "resume" && !blank && files.read(path) === undefined) {
    io.exit(3)
    return {}
  }
  reports.onStart(io.pid, own, blank ? null : path)
  const begin = (): void => {
    if (files.read(path) === undefined) {
      files.append(path, line({ sessionId: own, cwd: request.cwd, ...marker === "-" ? {} : { agent: marker } }), now())
    }
  }
  if (behaviour.transcript === "at-once") begin()
  else if (behaviour.transcript !== "at-first-message") io.after(3, begin)
  if (behaviour.livesMs !== undefined) {
    io.after(behaviour.livesMs, () => {
      reports.onEnded(io.pid)
      io.exit(1)
    })
  }
  const limit = limits.get(request.agent)
  const limited = limit !== undefined && (limit.until === null || now() < limit.until)
  if (limited) {
    reports.onLimited(io.pid, limit.until, !limit.shown)
    if (!limit.shown) {
      io.exit(statusOf(limit))
      return {}
    }
    io.screen(["state: error", `limit: ${statusOf(limit)}`])
    if (limit.until !== null) io.after(limit.until - now(), () => become("idle"))
  }
  let draft = ""
  /** The last words of the conversation, where they say that a turn failed: they are shown again when it is continued. */
  let failed = files.read(path)?.text.trim().split("\n").at(-1)?.includes("\"failed\":true") === true
  let state = limited ? "error" : "idle"
  const show = (): void =>
    io.screen([...says ? [`session: ${own}`] : [], `state: ${state}`, `draft: ${draft}`, ...failed ? ["failed: It is not logged in."] : []])
  const become = (next: string): void => {
    state = next
    show()
  }
  if (!limited) switch (behaviour.startup) {
    case "hangs":
      become("starting")
      break
    case "slow":
      become("starting")
      io.after(400, () => become("idle"))
      break
    case "trust":
      io.screen(["ask: Trust this directory?"])
      break
    default:
      show()
  }
  return {
    onPaste: (pasted) => {
      draft += pasted
      if (behaviour.dialog === true) become("awaiting_approval")
      else show()
    },
    onKey: (key) => {
      if (key === "y" && draft === "" && behaviour.startup === "trust") return become("idle")
      if (key === "C-u") {
        draft = ""
        return show()
      }
      if (key !== "Enter" || draft === "" || state !== "idle" || draft.startsWith(shellMark)) return
      if (draft === clear) {
        own = `chosen-${request.agent}-${io.pid}-${++clears}`
        path = pathOf(own)
        draft = ""
        failed = false
        reports.onClear(io.pid, own, path)
        if (behaviour.transcript === "at-once") begin()
        return show()
      }
      if (draft === failing) {
        begin();
        [draft, failed] = ["", true]
        files.append(path, line({ role: "assistant", failed: true, at: new Date(now()).toISOString() }), now())
        return show()
      }
      if (draft.startsWith(commandMark)) {
        draft = ""
        return show()
      }
      begin()
      failed = false
      const said = draft.trimEnd()
      files.append(path, line({ role: "user", text: said, at: new Date(now()).toISOString() }), now())
      reports.onHeard(io.pid, own, said)
      draft = ""
      become("busy")
      io.after(behaviour.turn ?? 30, () => {
        files.append(path, line({ role: "assistant", text: "done", at: new Date(now()).toISOString() }), now())
        become("idle")
      })
    },
    onInterrupt: () => become("idle"),
    onStop: () => behaviour.ignoresStop === true ? "ignores" : "ends"
  }
}
