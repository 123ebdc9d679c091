import * as Array from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "@effect/platform/FileSystem"
import type { AgentFailure } from "../domain/failure.ts"
import type { AgentId } from "../domain/ids.ts"
import { buildsOn } from "../domain/task.ts"
import type { AgentSpec } from "../domain/team.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import { redacted } from "../event-log/redact.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { type Facts, lifeOf, rosterEntry } from "../policy/Facts.ts"
import { decided as plainly, type Decided } from "../policy/Policy.ts"
import type { SecretLack } from "../session/agent-environment.ts"
import { driftOf, specForSpawn } from "../session/launch-context.ts"
import { inOneLook } from "../session/one-look.ts"
import { providerAgent } from "../session/provider-agent.ts"
import { Resumability, resumabilities } from "../session/resumability.ts"
import { besideSilent } from "../session/silent-conversation.ts"
import { agentsBelow, callers } from "./adopted.ts"
import { answerBoot, type BootAnswer, HostBoot } from "./boot.ts"
import type { Converged } from "./converge.ts"
import { type AgentObservation, isShown, ownProcesses, type TeamObservation } from "./observe.ts"
import { HostEnvironment } from "./operation.ts"
import type { Selection } from "./select-session.ts"
import { type AgentPlan, asLaunched, means, type RestartRequest, touches } from "./plan.ts"
import { startOutlook } from "./preconditions.ts"
import { decisionBy } from "./policy-decision.ts"
import { suspendedCode } from "./refuse.ts"
import { heldByPerson } from "./takeover.ts"
import { waitOf, waitsUntil } from "./waits.ts"

const without = (kind: "skip" | "refuse", code: string | null, why: string): Decided => plainly({ kind, code, why: [why] })

interface Context {
  readonly boot: BootAnswer | null
  /** Why what else runs in the agents' names is not known; null where it is. */
  readonly unlisted: string | null
  /** Whether an interrupted operation is continued. */
  readonly continues: boolean
  /** What it waits for: a limit or a login, by its CLI's own word. */
  readonly wait: AgentFailure | null
}

/** What holds for every policy comes before it: nobody may act on what is unknown or not ours. */
export const decideOne = <E, R>(
  { policy, refuseDrift = false, trigger = "person" }: RestartRequest<E, R>,
  facts: Facts,
  { boot, continues, unlisted, wait }: Context
): Decided<E, R> => {
  if (facts.agent.spec.paused) return without("skip", null, "it is paused in the team file")
  if (facts.process.suspended !== undefined) {
    return without("refuse", suspendedCode, `what its process is doing is unknown (${facts.process.evidence.replace(/\.$/, "")}), so it is neither ended nor replaced`)
  }
  if (facts.process.state === "unknown") {
    return without("refuse", "unknown", `whether its process lives is unknown (${facts.process.evidence}), so nothing may be started beside it`)
  }
  if (unlisted !== null) {
    return without("refuse", "unknown", `what else runs in its name is unknown (${unlisted}), so nothing may be started beside it`)
  }
  if (boot !== null && boot.decision === "hold") return without("skip", "held_after_boot", boot.why)
  // In the middle of an operation a stop is a step of it, and no wish.
  if (trigger !== "person" && !continues && facts.agent.phase === "stopped") return without("skip", null, "it was stopped, which is no death")
  // What nobody asked for can wait; a person may know better than its CLI.
  if (trigger !== "person" && wait !== null && waitsUntil(wait) > facts.now) {
    return without("skip", wait.kind, `it can't work ${wait.retryAt === null ? "now, and nothing says until when" : `before ${wait.retryAt}`}: ${wait.reason}`)
  }
  const made = losesUnasked(decisionBy(policy, facts), facts)
  return refuseDrift && facts.drift.length > 0 && touches(made.decision)
    ? without("refuse", "drift", `it would not come back as its team file has it: ${facts.drift.join("; ")}`)
    : made
}

/** Whoever wrote the policy: a conversation is left behind by a decision that asks for the grant, or not at all. */
const losesUnasked = <E, R>(made: Decided<E, R>, { spoken }: Facts): Decided<E, R> =>
  made.decision.kind !== "fresh_start" || spoken.state === "never" || made.decision.requires.includes("discard-context")
    ? made
    : without("refuse", "context_would_be_lost", `its policy would start it anew and asks for no grant: ${spoken.evidence}`)

/** Nobody is started from what stands where a secret stood. In the environment, the host's own takes its place. */
const withSecrets = <E, R>({ env: _, ...spec }: AgentSpec, decided: Decided<E, R>): Decided<E, R> =>
  !touches(decided.decision) || !JSON.stringify(spec).includes(redacted) ? decided : without(
    "refuse",
    "secret_redacted",
    "its team file holds something like a secret, which the log does not keep, so it can be started only from the file: " +
      "stop it if it lives, then reprise up FILE"
  )

/** What would come back without its login, or without a secret that it had, is not touched at all. */
const withLogin = <E, R>(lack: SecretLack | null, decided: Decided<E, R>): Decided<E, R> =>
  lack === null || !touches(decided.decision) ? decided : without("refuse", lack.code, lack.why)

/** A process of ours that the log knows nothing of: ending it could drop a conversation that nobody wrote down. */
const unrecorded = (agent: AgentState, observed: AgentObservation): Decided | null =>
  agent.spawn !== null || observed.strays.length === 0 ? null : without(
    "refuse",
    "unrecorded_process",
    `a process of it lives (${observed.strays.map(({ pid }) => pid).join(", ")}) that this log knows nothing of, so its ` +
      "conversation can't be told; bring the log back, or end the process yourself"
  )

const nothingSeen: AgentObservation = {
  process: { state: "unknown", evidence: "it was not looked at" },
  pane: null,
  exit: null,
  strays: []
}

/** A selection that does not hold is no leave to do something else. */
const notSelected = (selection: Selection | null, { spec }: AgentState): Decided | null => {
  if (selection?._tag !== "Refused" || selection.agent !== spec.id) return null
  const { why } = selection
  return without("refuse", why._tag === "NotResumable" ? why.code : "unknown", `the selected session can't be continued: ${why.why}`)
}

/** What a person started goes on: a second process in its conversation would make two, and ending it takes their leave. */
const personsOwn = (
  agent: AgentState,
  observed: AgentObservation,
  takeover: boolean,
  callers: ReadonlySet<number> | null,
  below: ReadonlyArray<string> | null,
  env: Readonly<Record<string, string>>
): Decided | null => {
  const held = agent.spec.paused ? null : heldByPerson(agent, observed)
  if (held === null) return null
  const who = `process ${held.pid} (${held.place}), which a person started, is in its conversation`
  if (!takeover) {
    return without("refuse", "session_held", `${who}; end it there and restart again, or say --takeover to have it ended`)
  }
  if (env["REPRISE_AGENT"] !== undefined) {
    return without("refuse", "session_held", `${who}, and no agent may end it: this command runs inside ${env["REPRISE_AGENT"]}`)
  }
  if (callers === null) return without("refuse", "unknown", `${who}, and whether this command was started from it could not be read`)
  if (callers.has(held.pid)) {
    return without("refuse", "session_held", `${who}, and this very command was started from it; run it from another terminal`)
  }
  if (below === null) return without("refuse", "unknown", `${who}, and whether agents run below it could not be read`)
  return below.length === 0
    ? null
    : without("refuse", "holds_agents", `${who}, and would take agents that were started from it along: ${below.join(", ")}; stop those first`)
}

/** A fork that is not made yet is started anew, and yet not with nothing. */
const asCopy = <E, R>({ forkOf }: AgentState, made: Decided<E, R>): Decided<E, R> =>
  forkOf === null || made.decision.kind !== "fresh_start" ? made : {
    ...made,
    decision: {
      ...made.decision,
      why: [`begins as a copy of ${forkOf.agent}'s session ${forkOf.sessionId}`, ...made.decision.why]
    }
  }

/** Whether its conversation can be continued, with what its process did after that one. */
const judgedOf = (
  id: AgentId,
  { discovery: { doubts, silent } }: Converged,
  selection: Selection | null,
  looked: Resumability | undefined
): Resumability => {
  if (selection?._tag === "Refused" && selection.agent === id) return selection.why
  return doubts.get(id) ?? besideSilent(looked ?? Resumability.Unknown({ why: "it was not looked at" }), selection === null ? silent.get(id) : undefined)
}

interface DecideInput<E, R> {
  readonly request: RestartRequest<E, R>
  readonly converged: Converged
  /** All of the workspace, this one among them. */
  readonly teams: ReadonlyArray<TeamState>
  readonly observation: TeamObservation
  readonly findProvider: (name: string) => Provider | undefined
  /** What became of the conversation that the user selected; null where none was. */
  readonly selection: Selection | null
  /** Agents that the interrupted operation has brought back. */
  readonly back: ReadonlySet<string>
}

/** What is decided, for each agent and for the boot that triggered it. */
export interface Decisions<out E, out R> {
  readonly agents: ReadonlyArray<AgentPlan<E, R>>
  readonly boot: BootAnswer | null
}

/** Gathers each agent's facts and lets the policy decide. */
export const decideAll = <E, R>(
  { back, converged, findProvider, observation, request, selection, teams }: DecideInput<E, R>
): Effect.Effect<Decisions<E, R>, never, EventLog | FileSystem.FileSystem | HostEnvironment> =>
  Effect.gen(function*() {
    const { team } = converged
    const now = yield* Clock.currentTimeMillis
    const bootId = yield* HostBoot
    const boot = request.trigger === "boot" ? answerBoot(request.policy, team, bootId) : null
    const seen = (agent: AgentState): AgentObservation => observation.agents.get(agent.spec.id) ?? nothingSeen
    const env = yield* HostEnvironment
    const above = request.takeover === true ? yield* callers : null
    const roster = team.agents.flatMap((agent) => agent.removed ? [] : rosterEntry(agent, lifeOf(seen(agent).process), buildsOn(team.tasks, agent.spec.id)))
    const otherTeams = teams.flatMap((other) =>
      other.key === team.key ? [] : other.agents.flatMap((agent) => agent.removed ? [] : rosterEntry(agent, "unknown")))
    const shown = team.agents.filter((agent) => isShown(agent, observation)).map((agent) => {
      const spec = specForSpawn(asLaunched(request, agent), request.onDrift)
      return { agent, observed: seen(agent), spec, provider: findProvider(spec.provider) }
    })
    const known = shown.flatMap(({ agent, observed, provider, spec }) => provider === undefined ? [] : {
      session: agent.session,
      agent: providerAgent(team, spec, agent.spawn),
      provider,
      own: ownProcesses(agent, observed)
    })
    const resumable = new Map(Array.zip(known.map(({ agent }) => agent.id), yield* resumabilities(known)))
    const agents = yield* Effect.forEach(shown, ({ agent, observed, provider, spec }) =>
      Effect.gen(function*() {
        const id = agent.spec.id
        const outlook = provider === undefined ? null : yield* startOutlook(team, asLaunched(request, agent), provider, request.onDrift)
        const facts: Facts = {
          team: team.key,
          agent,
          process: observed.process,
          life: lifeOf(observed.process),
          resumability: provider === undefined
            ? Resumability.Unknown({ why: `its provider ${spec.provider} is not loaded` })
            : judgedOf(id, converged, selection, resumable.get(id)),
          sessionAgeMs: agent.session === null ? null : Math.max(0, now - Date.parse(agent.session.capturedAt)),
          spoken: converged.discovery.spoken.get(id) ?? { state: "unknown", evidence: "it was not looked at" },
          unconverged: converged.requiredMissing.includes(id) ? converged.convergence : null,
          drift: [
            ...observed.process.lostDirectory === undefined ? [] : [`${observed.process.lostDirectory}; it goes on in that`],
            ...driftOf(agent, provider, request.permissions?.get(id)),
            ...outlook?.drift ?? []
          ],
          history: agent.history,
          roster,
          otherTeams,
          trigger: request.trigger ?? "person",
          boot: bootId,
          now
        }
        const named = means(request, agent)
        const dead = observed.process.state === "dead" && agent.phase !== "stopped"
        const untouched = !named || (request.onlyDead && !dead && !agent.spec.paused)
        const alreadyBack = !untouched && back.has(id)
        const held = request.takeover === true && !untouched ? heldByPerson(agent, observed) : null
        const below = held === null ? [] : yield* agentsBelow(held)
        const context: Context = { boot, unlisted: observation.failure?.message ?? null, continues: team.operation !== null, wait: waitOf(agent, observed.exit ?? agent.exit, provider) }
        const decided: Decided<E, R> = untouched
          ? without("skip", null, named
            ? agent.phase === "stopped" ? "it was stopped, which is no death" : `it is not dead: ${observed.process.evidence}`
            : agent.removed ? "it is not in the team file any more" : "it was not named")
          : alreadyBack
          // What is to be proved of it may be still to come.
          ? { ...without("skip", null, "the interrupted operation has brought it back already"), handling: decisionBy(request.policy, facts).handling }
          : notSelected(selection, agent) ?? personsOwn(agent, observed, request.takeover === true, above, below, env) ?? unrecorded(agent, observed) ?? withLogin(outlook?.lack ?? null, withSecrets(spec, asCopy(agent, decideOne(request, facts, context))))
        return { facts, observation: observed, decided, untouched, alreadyBack }
      }), { concurrency: 16 })
    return { agents, boot }
  }).pipe(inOneLook)
