import * as Schema from "effect/Schema"
import { AgentFailure as AgentFailureSchema, FailureKind } from "../../domain/failure.ts"
import { Json } from "../../domain/json.ts"
import { PaneIdentity, ProcessExit } from "../../domain/pane.ts"

// The shapes of what drivers answer. A driver's answer is data from outside: it is checked before anybody believes it.

export const TransportCapabilities = Schema.Struct({
  survivesCaller: Schema.Boolean,
  exitStatus: Schema.Boolean,
  attach: Schema.Boolean
})

export const ProviderLogin = Schema.Struct({ variables: Schema.Array(Schema.String), stored: Schema.Boolean })

export const ProviderCapabilities = Schema.Struct({
  resume: Schema.Boolean,
  fork: Schema.Boolean,
  preassignedSession: Schema.Boolean,
  mcp: Schema.Boolean,
  headless: Schema.Boolean,
  resumeConcurrency: Schema.Literal("parallel", "serial")
})

const ListedPane = Schema.Struct({
  identity: PaneIdentity,
  team: Schema.String,
  agent: Schema.String,
  generation: Schema.Int
})

export const PaneListing = Schema.Struct({
  home: Schema.Literal("up", "absent"),
  panes: Schema.Array(ListedPane),
  orphans: Schema.optionalWith(Schema.Array(ListedPane), { exact: true }),
  foreign: Schema.Array(Schema.Struct({
    endpoint: Schema.String,
    session: Schema.String,
    window: Schema.String,
    pane: Schema.String,
    pid: Schema.NullOr(Schema.Int),
    command: Schema.String
  }))
})

export const PaneInspection = Schema.Struct({
  state: Schema.Literal("alive", "orphaned", "dead", "foreign", "unknown"),
  evidence: Schema.String,
  exit: Schema.NullOr(ProcessExit)
})

export const Screen = Schema.Struct({
  lines: Schema.Array(Schema.String),
  title: Schema.String,
  cursor: Schema.Struct({ row: Schema.Int, column: Schema.Int }),
  size: Schema.optionalWith(Schema.Struct({ columns: Schema.Int, rows: Schema.Int }), { exact: true })
})

export const StopReport = Schema.Struct({
  gone: Schema.Boolean,
  survivors: Schema.Array(Schema.Int),
  evidence: Schema.String
})

export const TransportEvent = Schema.Union(
  Schema.TaggedStruct("Exited", { pane: PaneIdentity, exit: Schema.NullOr(ProcessExit) }),
  Schema.TaggedStruct("HomeGone", { endpoint: Schema.String })
)

export const TransportFailureShape = Schema.TaggedStruct("TransportFailure", {
  reason: Schema.Literal("Gone", "Foreign", "Unreachable", "Refused"),
  detail: Schema.String
})

export const ProviderFailureShape = Schema.TaggedStruct("ProviderFailure", { detail: Schema.String })

export const OptionProblems = Schema.Array(Schema.Struct({
  path: Schema.Array(Schema.String),
  problem: Schema.String
}))

export const CommandPlan = Schema.Struct({
  argv: Schema.NonEmptyArray(Schema.String),
  env: Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.String) }),
  files: Schema.Array(Schema.Struct({ path: Schema.String, content: Schema.String })),
  expectedSession: Schema.optionalWith(Schema.NullOr(Schema.String), { exact: true }),
  configHome: Schema.NullOr(Schema.String),
  account: Schema.NullOr(Schema.String),
  authMode: Schema.optionalWith(Schema.NullOr(Schema.String), { exact: true })
})

export const SessionAddress = Schema.Struct({
  directory: Schema.String,
  transcript: Schema.NullOr(Schema.String),
  search: Schema.optionalWith(
    Schema.Struct({ directories: Schema.Array(Schema.String), ending: Schema.NonEmptyString }),
    { exact: true }
  ),
  alsoIn: Schema.optionalWith(Schema.Array(Schema.String), { exact: true }),
  forms: Schema.optionalWith(
    Schema.Array(Schema.Struct({
      directories: Schema.Array(Schema.String),
      ending: Schema.NonEmptyString,
      kind: Schema.Literal("resumable", "archived"),
      restore: Schema.optionalWith(Schema.NonEmptyString, { exact: true })
    })),
    { exact: true }
  ),
  movedWithin: Schema.optionalWith(Schema.String, { exact: true })
})

export const TranscriptIdentity = Schema.Struct({
  sessionId: Schema.NullOr(Schema.String),
  cwd: Schema.NullOr(Schema.String),
  marker: Schema.NullOr(Schema.String),
  spokenTo: Schema.Boolean,
  whole: Schema.Boolean,
  forkedFrom: Schema.optionalWith(Schema.NullOr(Schema.String), { exact: true }),
  beside: Schema.optionalWith(Schema.Boolean, { exact: true }),
  unread: Schema.optionalWith(Schema.Boolean, { exact: true })
})

export const ScreenState = Schema.Literal("starting", "idle", "busy", "awaiting_approval", "error", "unknown")

export const StartupPrompt = Schema.NullOr(Schema.Struct({
  name: Schema.String,
  question: Schema.String,
  answer: Schema.Array(Schema.String),
  consent: Schema.optionalWith(Schema.Struct({ option: Schema.NonEmptyString, advice: Schema.String }), { exact: true }),
  settleMs: Schema.optionalWith(Schema.NonNegative, { exact: true })
}))

export const ApprovalPrompt = Schema.NullOr(Schema.Struct({
  question: Schema.String,
  choices: Schema.Array(Schema.Struct({ label: Schema.String, keys: Schema.Array(Schema.String) }))
}))

export const AgentFailure = AgentFailureSchema
export const Trouble = Schema.NullOr(Schema.Struct({
  ...AgentFailureSchema.fields,
  inConversation: Schema.optionalWith(Schema.Boolean, { exact: true })
}))
export const MaybeText = Schema.NullOr(Schema.String)
// An empty id or path would look like one.
const MaybeName = Schema.NullOr(Schema.NonEmptyString)

const Certainty = Schema.optionalWith(Schema.Literal("high", "medium"), { exact: true })

export const ProcessEvidence = Schema.NullOr(Schema.Struct({
  sessionId: MaybeName,
  transcript: MaybeName,
  state: Schema.NullOr(ScreenState),
  evidence: Schema.String,
  confidence: Certainty,
  openSessions: Schema.optionalWith(Schema.Array(Schema.NonEmptyString), { exact: true }),
  process: Schema.optionalWith(
    Schema.Struct({ pid: Schema.Int.pipe(Schema.positive()), startTime: Schema.String }),
    { exact: true }
  )
}))

export const SessionHolders = Schema.Array(Schema.Struct({
  pid: Schema.Int.pipe(Schema.positive()),
  startTime: Schema.String,
  evidence: Schema.String
}))

export const RecognisedProcess = Schema.NullOr(Schema.Struct({
  sessionId: MaybeName,
  confidence: Certainty,
  transcript: MaybeName,
  cwd: Schema.NonEmptyString,
  model: Schema.NullOr(Schema.String),
  permissions: Schema.NullOr(Schema.String),
  options: Schema.Record({ key: Schema.String, value: Json }),
  env: Schema.Record({ key: Schema.String, value: Schema.String }),
  evidence: Schema.String
}))

export const TextEntry = Schema.Union(
  Schema.TaggedStruct("exact", { pieces: Schema.NonEmptyArray(Schema.NonEmptyString) }),
  Schema.TaggedStruct("interpreted", { effect: Schema.NonEmptyString })
)
export const Texts = Schema.Array(Schema.String)

export const StartProblems = Schema.Array(Schema.Struct({
  severity: Schema.Literal("refusal", "warning"),
  kind: FailureKind,
  problem: Schema.String
}))
