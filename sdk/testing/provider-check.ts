import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { FailureKind } from "../domain/failure.ts"
import type { Json } from "../domain/json.ts"
import type { CommandRequest, ProviderAgent, ProviderDriver } from "../plugin/provider-driver.ts"

// What a check of a provider is, and what the author of a provider tells the suite.

/** A provider broke its contract. */
export class ProviderCheckFailed
  extends Schema.TaggedError<ProviderCheckFailed>("reprise/ProviderCheckFailed")("ProviderCheckFailed", {
    detail: Schema.String
  })
{
  override get message(): string {
    return this.detail
  }
}

/** What somebody said, for a sample transcript. */
export interface SampleRecord {
  readonly role: "user" | "assistant"
  readonly text: string
}

/** How the suite runs the real program, in a pseudo terminal and directories of its own. */
export interface LiveProvider {
  /** Added to a bare environment with `PATH` and a `HOME` of the check's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Something to be told, and what is asked later to see that it is remembered. */
  readonly say: string
  readonly ask: string
  /** Is in the answer of a conversation that was told `say`. */
  readonly remembers: RegExp
  /** What the exit of a resume without a conversation is explained as. */
  readonly missingSession?: FailureKind
  /** A message that makes the program ask for approval. */
  readonly approval?: string
}

export interface ProviderSuiteOptions {
  /** A directory of recorded screens; see `parseRecordedScreen` for their form. */
  readonly screens?: URL | string
  /** Writes a transcript as the program does. */
  readonly transcript?: (
    identity: { readonly sessionId: string; readonly cwd: string; readonly marker: string },
    records: ReadonlyArray<SampleRecord>
  ) => string
  /** The agent's options in all checks. */
  readonly options?: Readonly<Record<string, Json>>
  /** What else of the agent has to be as the provider knows it: its permissions, where only some modes are. */
  readonly agent?: Partial<ProviderAgent>
  readonly live?: LiveProvider
}

export type CheckServices = FileSystem.FileSystem | Path.Path | Scope.Scope

export interface ProviderCheck {
  readonly name: string
  readonly run: Effect.Effect<void, unknown, CheckServices>
}

/** A check before it is known whose: whether it applies, and how it is run. */
export interface ProviderRule {
  readonly name: string
  readonly applies: (driver: ProviderDriver, options: ProviderSuiteOptions) => boolean
  readonly run: (driver: ProviderDriver, options: ProviderSuiteOptions) => Effect.Effect<void, unknown, CheckServices>
}

/** Fails the check with the sentence unless the condition holds. */
export const expectThat = (condition: boolean, detail: string): Effect.Effect<void, ProviderCheckFailed> =>
  condition ? Effect.void : Effect.fail(new ProviderCheckFailed({ detail }))

/** A rule without effects: it answers with what is wrong. */
export const pureRule = (
  name: string,
  problems: (driver: ProviderDriver, options: ProviderSuiteOptions) => Iterable<string>,
  applies: ProviderRule["applies"] = () => true
): ProviderRule => ({
  name,
  applies,
  run: (driver, options) =>
    Effect.try({
      try: () => [...problems(driver, options)],
      catch: (cause) => new ProviderCheckFailed({ detail: `It threw: ${String(cause)}` })
    }).pipe(Effect.flatMap((found) => expectThat(found.length === 0, found.slice(0, 5).join("\n"))))
})

export const sampleIds = {
  session: "6f1c1d52-0e8b-4a6e-9a52-0d6a54b0c001",
  source: "6f1c1d52-0e8b-4a6e-9a52-0d6a54b0c002"
}

export const sampleAgent = (options: ProviderSuiteOptions, over: Partial<ProviderAgent> = {}): ProviderAgent => ({
  team: "alpha",
  id: "coder-1",
  role: "Backend engineer",
  prompt: "You write code.",
  workspace: "/tmp/reprise-suite",
  cwd: "/tmp/reprise-suite/packages/core",
  model: "small",
  effort: "low",
  permissions: "ask",
  tools: [],
  options: options.options ?? {},
  env: {},
  configHome: null,
  mcp: {},
  startedAt: null,
  ...options.agent,
  ...over
})

export const sampleRequest = (
  mode: CommandRequest["mode"],
  agent: ProviderAgent,
  over: Partial<CommandRequest> = {}
): CommandRequest => ({
  mode,
  agent,
  sessionId: sampleIds.session,
  sourceSessionId: mode === "fork" ? sampleIds.source : null,
  stateDirectory: "/tmp/reprise-suite/.reprise/agents/coder-1",
  ...over
})
