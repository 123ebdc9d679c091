import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Grants, Policy, secondsAsMilliseconds } from "../../sdk/index.ts"
import { loadPolicy, WrongUsage } from "./policy-file.ts"
import { teamOption } from "./team-option.ts"

const flag = (name: string, description: string) => Options.boolean(name).pipe(Options.withDescription(description))

export const grantOption = Options.text("grant").pipe(
  Options.withPseudoName("discard-context=REASON"),
  Options.withDescription("A permission and its reason, discard-context=REASON. May be given more than once."),
  Options.repeated
)

export const policyOption = Options.text("policy").pipe(
  Options.withPseudoName("FILE"),
  Options.withDescription("A file whose default export is the policy."),
  Options.optional
)

/** What `reprise restart` takes. */
export const restartOptions = {
  team: teamOption,
  agents: Args.text({ name: "agent" }).pipe(Args.repeated),
  dead: flag("dead", "Only agents that are proved dead."),
  allowFresh: flag("allow-fresh", "Resume, or else start anew and let the conversation go."),
  grant: grantOption,
  deadline: Options.text("session-converge-deadline").pipe(
    Options.withPseudoName("SECONDS"),
    Options.withDescription("How many seconds to wait for sessions that are still missing (12)."),
    Options.optional
  ),
  session: Options.text("session").pipe(
    Options.withPseudoName("ID"),
    Options.withDescription("The conversation that the one named agent continues, where it is not certain which one it was in."),
    Options.optional
  ),
  dryRun: flag("dry-run", "Show the decisions; write nothing, touch nothing."),
  explain: flag("explain", "Show the decisions with their reasons, and nothing else."),
  planOut: Options.text("plan-out").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("Write the plan to this file, for `reprise apply`; touch nothing."),
    Options.optional
  ),
  continue: flag("continue", "Finish the interrupted operation."),
  rollback: flag("rollback", "Take the interrupted operation back."),
  policy: policyOption,
  takeover: flag("takeover", "End the process that an agent was adopted from, after asking, and bring the agent back here."),
  yes: flag("yes", "Do not ask before agents at work are interrupted, or a person's process is ended.")
}

interface Parsed {
  readonly agents: ReadonlyArray<string>
  readonly dead: boolean
  readonly allowFresh: boolean
  readonly grant: ReadonlyArray<string>
  readonly deadline: Option.Option<string>
  readonly session: Option.Option<string>
  readonly takeover: boolean
  readonly continue: boolean
  readonly rollback: boolean
  readonly policy: Option.Option<string>
}

export const word = (text: string): string => /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The command that does what these options say, for `next`: whoever follows it gets the same, not something like it. */
export const restartCommand = (parsed: Parsed, team: string): string =>
  [
    "reprise restart",
    ...parsed.agents,
    `--team ${team}`,
    ...parsed.dead ? ["--dead"] : [],
    ...parsed.allowFresh ? ["--allow-fresh"] : [],
    ...Option.toArray(parsed.policy).map((file) => `--policy ${word(file)}`),
    ...parsed.grant.map((grant) => `--grant ${word(grant)}`),
    ...Option.toArray(parsed.session).map((id) => `--session ${word(id)}`),
    ...Option.toArray(parsed.deadline).map((seconds) => `--session-converge-deadline ${seconds}`),
    ...parsed.takeover ? ["--takeover"] : [],
    ...parsed.continue ? ["--continue"] : [],
    ...parsed.rollback ? ["--rollback"] : []
  ].join(" ")

/** The policy that is meant, and the reason of the grant that was given. */
export const chosenPolicy = (parsed: Pick<Parsed, "allowFresh" | "grant" | "policy">) =>
  Effect.gen(function*() {
    const reasons = [...parsed.allowFresh ? ["--allow-fresh"] : [], ...yield* grantReasons(parsed.grant)]
    const policy = Option.isSome(parsed.policy)
      ? yield* loadPolicy(parsed.policy.value)
      : parsed.allowFresh ? Policy.resumeOrFresh : Policy.standard
    return { policy, grant: reasons.at(-1) }
  })

/** The reasons of the grants that were given. */
export const grantReasons = (grants: ReadonlyArray<string>) =>
  Effect.forEach(grants, (text) => {
    const grant = Grants.parseGrant(text)
    return grant === null ? new WrongUsage({ detail: `--grant ${text} is not discard-context=REASON.` }) : Effect.succeed(grant.reason)
  })

/** Turns the options into a policy, the grants that were given, and the restart's own options. */
export const restartRequest = (parsed: Parsed) =>
  Effect.gen(function*() {
    if (parsed.continue && parsed.rollback) return yield* new WrongUsage({ detail: "--continue and --rollback exclude each other." })
    if (parsed.allowFresh && Option.isSome(parsed.policy)) {
      return yield* new WrongUsage({ detail: "--allow-fresh and --policy exclude each other." })
    }
    if (Option.isSome(parsed.session) && parsed.agents.length !== 1) {
      return yield* new WrongUsage({ detail: "--session ID needs exactly one agent: reprise restart AGENT --session ID." })
    }
    if (Option.isSome(parsed.session) && (parsed.allowFresh || parsed.dead || parsed.rollback)) {
      const other = parsed.allowFresh ? "--allow-fresh" : parsed.dead ? "--dead" : "--rollback"
      return yield* new WrongUsage({ detail: `--session and ${other} exclude each other.` })
    }
    return {
      ...yield* chosenPolicy(parsed),
      options: {
        ...parsed.agents.length === 0 ? {} : { agents: parsed.agents },
        onlyDead: parsed.dead,
        takeover: parsed.takeover,
        ...Option.isNone(parsed.session) ? {} : { session: parsed.session.value },
        ...Option.isNone(parsed.deadline)
          ? {}
          : { convergeWithin: yield* secondsAsMilliseconds("--session-converge-deadline", parsed.deadline.value) },
        ...parsed.continue ? { unfinished: "continue" as const } : parsed.rollback ? { unfinished: "rollback" as const } : {}
      }
    }
  })
