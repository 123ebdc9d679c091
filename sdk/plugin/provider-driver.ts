import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AgentFailure, FailureKind as AgentFailureKind } from "../domain/failure.ts"
import type { SpawnMode } from "../domain/event.ts"
import type { Json } from "../domain/json.ts"
import type { ProcessExit } from "../domain/pane.ts"
import type { ApprovalPrompt, Draft, ScreenState, StartupPrompt, Trouble } from "./provider-screen.ts"
import type { Key, Screen } from "./transport-driver.ts"

// What the author of a provider writes: how one CLI is started, resumed, found and read. Plain data in and out.

export interface ProviderCapabilities {
  readonly resume: boolean
  readonly fork: boolean
  /** The id of a new conversation can be chosen by us: then it is an address, and capture is a look-up. */
  readonly preassignedSession: boolean
  readonly mcp: boolean
  readonly headless: boolean
  /** `serial` for a CLI that cannot start twice at once. */
  readonly resumeConcurrency: "parallel" | "serial"
}

/** The provider could not answer; `detail` is a sentence for people. */
export class ProviderFailure extends Schema.TaggedError<ProviderFailure>("reprise/ProviderFailure")("ProviderFailure", {
  provider: Schema.String,
  operation: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** The agent as a provider sees it. */
export interface ProviderAgent {
  readonly team: string
  readonly id: string
  readonly role: string | null
  readonly prompt: string | null
  readonly workspace: string
  /** Absolute. */
  readonly cwd: string
  readonly model: string | null
  readonly effort: string | null
  readonly permissions: string | null
  readonly tools: ReadonlyArray<string>
  /** The agent's `options` of the team file, checked against the provider's `agentOptions`. */
  readonly options: Readonly<Record<string, Json>>
  /** The environment that the team file adds; it may say where the CLI keeps its account and configuration. */
  readonly env: Readonly<Record<string, string>>
  /** Where the spawn that is followed kept its account and configuration; null at the first start. */
  readonly configHome: string | null
  /** The MCP servers that the agent is given, with its identity in the environment of each. */
  readonly mcp: Readonly<Record<string, McpServer>>
  /** When its newest process was to start, as ISO 8601; null when it never was. */
  readonly startedAt: string | null
}

/** An MCP server on standard input and output. */
export interface McpServer {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

export interface CommandRequest {
  readonly mode: SpawnMode
  readonly agent: ProviderAgent
  /** For `fresh` and `fork`: the id to give the new conversation, where `preassignedSession`. For `resume`: its id. */
  readonly sessionId: string | null
  /** For `fork`: the conversation to copy. */
  readonly sourceSessionId: string | null
  /** A directory of this agent's own, kept between spawns. */
  readonly stateDirectory: string
}

export interface CommandPlan {
  /** The program and its arguments; a program without a slash is looked up on the PATH of `env`. */
  readonly argv: ReadonlyArray<string>
  /** Added to the environment that Reprise assembles; null takes a name away. */
  readonly env: Readonly<Record<string, string | null>>
  /** Written, 0600, before the start. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly content: string }>
  /** Where the CLI keeps its account and configuration, when the command says so. */
  readonly configHome: string | null
  readonly account: string | null
  /**
   * How it is let in, where the plugin can tell: `subscription`, `official_api`, or `compatible_api` for an endpoint of
   * somebody else's, to which a policy may refuse to send a conversation.
   */
  readonly authMode?: string | null
  /**
   * The id that the conversation will have: null when the CLI chooses it in spite of `preassignedSession` (an agent's
   * option can ask for that), so that it must be found. Left out: the id that was asked for.
   */
  readonly expectedSession?: string | null
}

/** How the CLI of an agent is let in. Names only: no value of a secret is told. */
export interface ProviderLogin {
  /** The variables of this environment that let it in, the address that they are for among them. */
  readonly variables: ReadonlyArray<string>
  /** Whether it has a login of its own in its configuration. */
  readonly stored: boolean
}

/** Where the conversations of an agent are. */
export interface SessionAddress {
  /** The one directory in which this agent's transcripts appear; watched, never walked. */
  readonly directory: string
  /** The transcript of the asked session; null when no id was given, or when `search` has to be asked. */
  readonly transcript: string | null
  /**
   * For a CLI whose transcripts have names that an id does not wholly tell: the asked one is the file in one of these few
   * directories whose name ends so. Each is listed, none is walked.
   */
  readonly search?: { readonly directories: ReadonlyArray<string>; readonly ending: string }
  /** Other forms in which the conversation may lie: compressed or archived, say. Looked for where there is no file as named. */
  readonly forms?: ReadonlyArray<TranscriptForm>
  /** A directory whose own directories may hold the file by the same name, where its user moved or renamed them. */
  readonly movedWithin?: string
  /** Where else this agent's new transcripts may appear (a CLI with a directory a day). Listed, not watched. */
  readonly alsoIn?: ReadonlyArray<string>
}

/** One form of a conversation: a file in one of these few directories whose name ends so. Each is listed, none is walked. */
export interface TranscriptForm {
  readonly directories: ReadonlyArray<string>
  readonly ending: string
  /** `resumable`: the CLI opens it as it is. `archived`: it has to be brought back first. */
  readonly kind: "resumable" | "archived"
  /** The command that brings an archived one back. */
  readonly restore?: string
}

/** A process as its provider is asked about it: `startTime` is the host's, `TICKS@BOOT` where there is /proc. */
export interface AgentProcess {
  readonly pid: number
  readonly startTime: string
  /** A process that ended may have left something; what it held open is gone. */
  readonly alive: boolean
  readonly agent: ProviderAgent
}

/** What a process says of itself in records that only it writes: pid files, locks that it holds, files that it has open. */
export interface ProcessEvidence {
  /** The session that it is in now; null when it does not say. */
  readonly sessionId: string | null
  /** All conversations that it has open, where that can be more than the one that it is in. */
  readonly openSessions?: ReadonlyArray<string>
  /** How certain the session is; `high` where nothing is said. */
  readonly confidence?: "high" | "medium"
  /** That session's transcript, where the process shows it. */
  readonly transcript: string | null
  /** Null when it does not say. Goes before what the screen shows, but never against a dialog on it. */
  readonly state: ScreenState | null
  /** A sentence: how it is known. */
  readonly evidence: string
  /** The process that these records are of, where a wrapper started it: it may be stopped while the wrapper runs. */
  readonly process?: { readonly pid: number; readonly startTime: string }
}

/** A live process that has a session open. */
export interface SessionHolder {
  readonly pid: number
  readonly startTime: string
  /** A sentence: how it is known. */
  readonly evidence: string
}

/** A process of this user's that Reprise may not have started. */
export interface HostProcess {
  readonly pid: number
  readonly ppid: number
  readonly startTime: string
  readonly argv: ReadonlyArray<string>
  /** Null where it can't be read. */
  readonly cwd: string | null
  readonly env: Readonly<Record<string, string>>
}

/** A process that a provider knows for one of its CLI, as it would be written into a team file. */
export interface RecognisedProcess {
  /** Null when it can't be told exactly; `evidence` says why. */
  readonly sessionId: string | null
  /** How certain that is; `high` where nothing is said. */
  readonly confidence?: "high" | "medium"
  readonly transcript: string | null
  /** Where the conversation belongs; a resume has to be made there. */
  readonly cwd: string
  readonly model: string | null
  readonly permissions: string | null
  readonly options: Readonly<Record<string, Json>>
  /** What of its environment a resume needs, by name and value; no secret. */
  readonly env: Readonly<Record<string, string>>
  /** A sentence: how it is known, or why the session can't be told. */
  readonly evidence: string
}

/** Something that speaks against a start, found before anything is touched. A `warning` lets it go on. */
export interface StartProblem {
  readonly severity: "refusal" | "warning"
  readonly kind: AgentFailureKind
  /** A sentence: what is wrong, and what to do. */
  readonly problem: string
}

/** What the beginning of a transcript says of itself. Null is "does not say". */
export interface TranscriptIdentity {
  readonly sessionId: string | null
  readonly cwd: string | null
  /** The agent whose marker Reprise injected at spawn, as `team/agent`. */
  readonly marker: string | null
  /** Whether a person or program has said anything in it. */
  readonly spokenTo: boolean
  /**
   * Whether what was given ends in a whole line. A torn last line, as a kill in the middle of a write leaves, is no reason
   * not to resume: the decision says that it may be dropped.
   */
  readonly whole: boolean
  /** The conversation that this one began as a copy of; null or left out where it says nothing of one. */
  readonly forkedFrom?: string | null
  /** Whether the file's text could not be read (it is compressed, say), so that only its name tells whose it is. */
  readonly unread?: boolean
  /** Whether it belongs to a helper that an agent started beside its own conversation: it is never an agent's own. */
  readonly beside?: boolean
}

/** One thing that is wrong with an agent's options: where, and a sentence. */
export interface OptionProblem {
  readonly path: ReadonlyArray<string>
  readonly problem: string
}

/**
 * How a text gets into the composer unchanged. `exact`: pasted in these pieces, in order, it is submitted as it is; where
 * the composer would interpret the text itself, a piece may hold a blank that the CLI trims. `interpreted`: no such way is
 * known; `effect` completes the sentence "Claude Code …": "runs it as a shell command".
 */
export type TextEntry =
  | { readonly _tag: "exact"; readonly pieces: ReadonlyArray<string> }
  | { readonly _tag: "interpreted"; readonly effect: string }

/** What a CLI does with a text that is put into its input line. Plain facts: nothing is typed by it. */
export interface Composer {
  readonly entryOf: (text: string, agent: ProviderAgent) => TextEntry
  /**
   * Keys that remove the line of the draft that the cursor is in, and then the empty line itself. Never Escape, Enter or
   * Ctrl-C. Left out: a draft stays where it is.
   */
  readonly eraseLine?: ReadonlyArray<Key>
}

export interface ProviderDriver {
  readonly capabilities: ProviderCapabilities
  /** Executables that a command needs, checked before anything is touched. */
  readonly executables: ReadonlyArray<string>
  /** What is wrong with an agent's `options`; see `optionsChecker`, which makes this from a Schema. */
  readonly checkOptions: (options: Readonly<Record<string, Json>>) => ReadonlyArray<OptionProblem>
  readonly command: (request: CommandRequest) => Effect.Effect<CommandPlan, ProviderFailure>
  /** Without an id: where conversations may have appeared since `agent.startedAt`. */
  readonly sessionAddress: (agent: ProviderAgent, sessionId: string | null) => SessionAddress
  /** Reads the first 128 KiB of a transcript (`truncated` says that there is more). */
  readonly readTranscript: (head: string, context: { readonly path: string; readonly truncated: boolean }) => TranscriptIdentity
  /** Whether this text, as one message of a user, is in the newest 128 KiB of the transcript. */
  readonly holdsUserMessage: (tail: string, text: string) => boolean
  readonly classify: (screen: Screen) => ScreenState
  readonly startupPrompt: (screen: Screen) => StartupPrompt | null
  readonly approvalPrompt: (screen: Screen) => ApprovalPrompt | null
  readonly draft: (screen: Screen) => Draft
  /** The session that a running process says it has; null when it does not say. */
  readonly reportedSession: (process: {
    readonly pid: number
    readonly screen: Screen
    readonly agent: ProviderAgent
  }) => Effect.Effect<string | null, ProviderFailure>
  /** Why a process that ended, ended. */
  readonly explainExit: (end: { readonly exit: ProcessExit | null; readonly lines: ReadonlyArray<string> }) => AgentFailure

  // What follows may be left out by a CLI that has nothing like it.

  /** Which texts the input line interprets or changes. Left out: every text is submitted as it is. */
  readonly composer?: Composer
  /**
   * What a user said in the whole records of this part of a transcript, in order and exactly as recorded, without a wrapper
   * that the CLI adds by design. What the CLI itself added is left out. Left out: a changed text is not noticed.
   */
  readonly userMessages?: (tail: string) => ReadonlyArray<string>

  /** What a process's own records say of it. Null: it has none. */
  readonly processEvidence?: (process: AgentProcess) => Effect.Effect<ProcessEvidence | null, ProviderFailure>
  /** Live processes that have this conversation open, whoever started them. */
  readonly sessionHolders?: (
    agent: ProviderAgent,
    sessionId: string
  ) => Effect.Effect<ReadonlyArray<SessionHolder>, ProviderFailure>
  /** Knows a process for one of this CLI, for adoption; null when it is none. Looks only: nothing is typed or changed. */
  readonly recognise?: (process: HostProcess) => Effect.Effect<RecognisedProcess | null, ProviderFailure>
  /**
   * What speaks against starting this agent in this environment: a login that is missing, a version that is newer than the
   * plugin was proved with. Cheap: it is asked before each start.
   */
  readonly checkStart?: (
    agent: ProviderAgent,
    env: Readonly<Record<string, string>>
  ) => Effect.Effect<ReadonlyArray<StartProblem>, ProviderFailure>
  /**
   * How an agent that is started in this environment is let in. What let it in at its last start and is missing later keeps
   * it from being restarted: it would come back logged out. Looks at names and files only, and starts nothing.
   */
  readonly login?: (agent: ProviderAgent, env: Readonly<Record<string, string>>) => ProviderLogin
  /**
   * What is wrong with an agent that lives and shows this: a login, a usage limit with its reset time. Null: nothing known.
   * `saidAt`: when the conversation's last words were said, where that is known; a time of day is the next one after it.
   */
  readonly trouble?: (screen: Screen, saidAt?: Date | null) => Trouble | null
  /**
   * When a conversation was added to last (a user's words, an answer, an error), by the newest 128 KiB of its transcript, as
   * ISO 8601; null where nothing there tells. Left out: the time at which the file was changed stands for it.
   */
  readonly lastTurnAt?: (tail: string) => string | null
  /** Names of the environment that no process of it may inherit; a trailing `*` stands for any ending. */
  readonly scrubbed?: ReadonlyArray<string>
  /** Of the names that a wildcard of `scrubbed` takes: settings that a person makes on purpose, which stay. */
  readonly kept?: ReadonlyArray<string>
  /** The permission modes, from the narrowest to the widest. One that is not among them can't be compared. */
  readonly permissionModes?: ReadonlyArray<string>
  /** Other names of modes: `{ manual: "default" }`. */
  readonly permissionAliases?: Readonly<Record<string, string>>
  /** The mode of an agent whose team file names none. */
  readonly defaultPermissions?: string
  /** How long to wait, in milliseconds, between a paste and Enter; for a CLI that takes an early Enter for a new line. */
  readonly pasteSettleMs?: number
}
