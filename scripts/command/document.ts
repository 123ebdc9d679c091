import * as Cause from "effect/Cause"

/** What a verb answers with, for programs: the same envelope for all, and the verb's own members beside it. */
export interface Document {
  readonly outcome: string
  readonly ok: boolean
  /** A sentence. */
  readonly message: string
  /** Commands that would go on. */
  readonly next: ReadonlyArray<string>
  readonly [member: string]: unknown
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The log's members are snake_case; what programs are answered is camelCase. */
export const camelCased = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(camelCased)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), camelCased(inner)]))
    : value

interface Refused {
  readonly outcome: string
  readonly next: ReadonlyArray<string>
  readonly exitCode: 1 | 2
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined

const text = (value: unknown): string => typeof value === "string" ? value : ""

/** The verb again, for a team that there is. A plan is for the team that it was made for: for another it is made anew. */
const againFor = (verb: string, team: string): string => {
  switch (verb) {
    case "apply":
      return `reprise restart --team ${team} --plan-out FILE`
    case "send":
      return `reprise send --team ${team} AGENT TEXT`
    case "fork":
      return `reprise fork --team ${team} AGENT NEW`
    default:
      return `reprise ${verb} --team ${team}`
  }
}

/** A log that is not the current state of its workspace, by the reason of the error: the outcome and what would go on. */
const refusedLogs: Readonly<Record<string, readonly [string, ReadonlyArray<string>]>> = {
  RolledBack: ["log_rolled_back", ["reprise recover"]],
  Lost: ["log_lost", ["reprise recover"]],
  Corrupt: ["log_lost", ["reprise recover"]],
  Copied: ["workspace_copied", ["reprise up --as-new"]]
}

/** A missing consent is what the user can give; any other reason is the plugin's. */
const pluginRefusal = (error: unknown): Refused => {
  const rejected = member(error, "rejected")
  const lacksConsent = (Array.isArray(rejected) ? rejected : [error]).some((one) => member(one, "stage") === "consent")
  return { outcome: lacksConsent ? "consent_missing" : "plugin_rejected", next: [], exitCode: 1 }
}

const refusedBy = (error: unknown, verb: string): Refused => {
  const again = (options: ReadonlyArray<unknown>) => options.map((option) => againFor(verb, text(option)))
  const candidates = member(error, "candidates")
  switch (member(error, "_tag")) {
    case "EventLogError": {
      const [outcome, next] = refusedLogs[text(member(error, "reason"))] ?? ["failed", []]
      const own = member(error, "next")
      return { outcome, next: Array.isArray(own) ? own.map(text) : next, exitCode: 1 }
    }
    case "LeaseHeld":
      return { outcome: "lease_held", next: ["reprise status"], exitCode: 1 }
    case "TeamTargetAmbiguous":
      return { outcome: "team_target_ambiguous", next: again(Array.isArray(candidates) ? candidates : []), exitCode: 1 }
    case "TeamTargetUnresolved":
      return {
        outcome: "team_target_unresolved",
        next: Array.isArray(candidates) && candidates.length > 0 ? again(candidates) : ["reprise up team.yaml"],
        exitCode: 1
      }
    case "TeamOwnerMismatch":
      return { outcome: "team_owner_mismatch", next: [], exitCode: 1 }
    case "PluginMissing":
      if (member(error, "rejected") instanceof Array && JSON.stringify(member(error, "rejected")).includes(`"stage":"directory"`)) {
        return { outcome: "failed", next: [], exitCode: 1 }
      }
      return { outcome: "plugin_rejected", next: [], exitCode: 1 }
    case "PluginRejected":
      return pluginRefusal(error)
    case "ConsentStoreUnusable":
      return { outcome: "consent_store_unusable", next: [], exitCode: 1 }
    case "InvalidSetting":
    case "WrongUsage":
      return { outcome: "usage", next: [`reprise ${verb} --help`], exitCode: 2 }
    case "TeamFileInvalid":
    case "TeamFileUnreadable":
      return { outcome: "team_file_invalid", next: [], exitCode: 1 }
    case "ScenarioInvalid":
    case "ScenarioUnreadable":
      return { outcome: "scenario_invalid", next: [], exitCode: 1 }
    case "AgentUnknown":
      return { outcome: "agent_unknown", next: ["reprise status"], exitCode: 1 }
    case "AgentNotOurs":
      return {
        outcome: "agent_not_ours",
        next: [`reprise restart ${text(member(error, "agent"))} --team ${text(member(error, "team"))} --takeover`],
        exitCode: 1
      }
    case "ForkRefused":
    case "AdoptRefused": {
      const wrong = member(error, "reason") === "BadName"
      const next = member(error, "next")
      return {
        outcome: wrong ? "usage" : `${verb}_refused`,
        next: Array.isArray(next) ? next.map(text) : [],
        exitCode: wrong ? 2 : 1
      }
    }
    case "PlanInvalid":
    case "PlanFileFailed":
      return { outcome: "plan_invalid", next: [], exitCode: 1 }
    case "PlanNotPortable": {
      const command = member(error, "command")
      return { outcome: "refused_plan_not_portable", next: typeof command === "string" ? [command] : [], exitCode: 1 }
    }
    case "OperationUnfinished": {
      const next = member(error, "next")
      return { outcome: "failed", next: Array.isArray(next) ? next.map(text) : [], exitCode: 1 }
    }
    case "NothingUnfinished":
      return { outcome: "nothing_unfinished", next: ["reprise status"], exitCode: 1 }
    case "ApprovalUnavailable": {
      const next = member(error, "next")
      return { outcome: "approval_unavailable", next: Array.isArray(next) ? next.map(text) : [`reprise ${verb} --yes`], exitCode: 1 }
    }
    case "ApprovalDenied":
      return { outcome: "approval_unavailable", next: [], exitCode: 1 }
    default:
      return { outcome: "failed", next: [], exitCode: 1 }
  }
}

/** What follows a refusal that names no command of its own: the same verb once its message was followed, or a look. */
const nextAfter = ({ outcome }: Refused): ReadonlyArray<string> => {
  switch (outcome) {
    case "team_file_invalid":
      return ["reprise up FILE"]
    case "scenario_invalid":
      return ["reprise simulate FILE"]
    case "plan_invalid":
      return ["reprise restart --plan-out FILE"]
    default:
      return ["reprise status"]
  }
}

/** A failure in the same envelope: what happened, what was not done, what would go on; `more` goes on as well. */
export const failureDocument = (
  cause: Cause.Cause<unknown>,
  verb: string,
  more: ReadonlyArray<string> = []
): { readonly document: Document; readonly exitCode: 1 | 2 } => {
  if (Cause.isInterruptedOnly(cause)) {
    return { document: { outcome: "failed", ok: false, message: "It was interrupted.", next: ["reprise status"] }, exitCode: 1 }
  }
  const error = Cause.squash(cause)
  const refused = refusedBy(error, verb)
  const { exitCode, outcome } = refused
  const known = [...refused.next, ...more]
  const next = known.length === 0 ? nextAfter(refused) : known
  const expected = Cause.isFailure(cause) && !Cause.isDie(cause)
  const said = error instanceof Error ? error.message : String(error)
  const message = expected ? said : `Reprise itself failed (${said}). This is a defect; what was done before it stands in the log.`
  const { _tag, ...details } = expected && typeof error === "object" && error !== null
    ? JSON.parse(JSON.stringify(error))
    : { _tag: null }
  return { document: { outcome, ok: false, message, next, details }, exitCode }
}
