import type { AgentId } from "../../domain/ids.ts"
import type { Trigger } from "../../domain/history.ts"
import type { AgentState, TeamState } from "../../event-log/TeamState.ts"
import type { BootAnswer } from "../../lifecycle/boot.ts"
import { decideOne } from "../../lifecycle/decide.ts"
import type { AgentObservation } from "../../lifecycle/observe.ts"
import type { AgentPlan, RestartPlan } from "../../lifecycle/plan.ts"
import { firstRefusal } from "../../lifecycle/refuse.ts"
import { waitOf } from "../../lifecycle/waits.ts"
import { type Facts, lifeOf, type ProcessFact, rosterEntry } from "../../policy/Facts.ts"
import { decided as plainly, type TeamPolicy } from "../../policy/Policy.ts"
import { Resumability } from "../../session/resumability.ts"
import type { Setting } from "./setting.ts"

/** What of the simulated world a decision is made from. */
export interface Moment {
  readonly setting: Setting
  readonly state: TeamState
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly boot: string
  /** Whether the process of an agent lives, and whether its transcript is gone; by its place in the team. */
  readonly alive: (index: number) => boolean
  readonly lost: (index: number) => boolean
}

/** A restart as it is asked for. */
export interface Asked {
  readonly policy: TeamPolicy<unknown, unknown>
  readonly agents: ReadonlyArray<AgentId> | "all"
  readonly onlyDead: boolean
  readonly trigger: Trigger
  readonly boot: BootAnswer | null
}

export const readyWithinMs = 30_000
export const concurrency = 4

const alive: ProcessFact = { state: "alive", evidence: "its simulated process lives" }
const dead: ProcessFact = { state: "dead", evidence: "its simulated process ended" }
const absent: ProcessFact = { state: "absent", evidence: "it was never started" }

const processOf = (moment: Moment, agent: AgentState, index: number): ProcessFact =>
  agent.spawn === null ? absent : moment.alive(index) ? alive : dead

/** Most CLIs never write a conversation that nobody took part in. */
const resumabilityOf = ({ firstSend, session }: AgentState, lost: boolean, writtenAtStart: boolean): Resumability =>
  session === null
    ? Resumability.NotResumable({ code: "no_persisted_session_id", why: "no conversation of it is known" })
    : lost
    ? Resumability.NotResumable({ code: "missing_transcript", why: "its transcript was lost" })
    : firstSend._tag === "Absent" && !writtenAtStart
    ? Resumability.NotResumable({ code: "missing_transcript", why: "its conversation was never written" })
    : Resumability.Resumable({ transcript: session.transcript })

const notDead = plainly({ kind: "skip", why: ["it is not dead"] })
const notNamed = plainly({ kind: "skip", why: ["it was not named"] })

const converged = { complete: true, deadline_s: 0, deadline_ms: 0, elapsed_ms: 0, pending_agent_ids: [] }

/**
 * The plan of a simulated restart: the policy decides, and what refuses a real restart refuses it, by the same functions.
 * Pure.
 */
export const planOf = (moment: Moment, asked: Asked): RestartPlan<unknown, unknown> => {
  const { at, setting, state } = moment
  const { agents: named, boot, onlyDead, policy, trigger } = asked
  const processes = state.agents.map((agent, index) => processOf(moment, agent, index))
  const roster = state.agents.map((agent, index) =>
    rosterEntry(agent, lifeOf(processes[index] ?? absent), setting.fates[index]?.dependsOn))
  const request = {
    team: state.key,
    policy,
    agents: named,
    onlyDead,
    onDrift: "keep" as const,
    refuseDrift: false,
    trigger,
    convergeWithinMs: 0,
    convergePollMs: 0,
    readyWithinMs,
    graceMs: 0,
    concurrency
  }
  const agents = state.agents.map((agent, index): AgentPlan<unknown, unknown> => {
    const process = processes[index] ?? absent
    const observation: AgentObservation = { process, pane: agent.spawn?.pane ?? null, exit: agent.exit, strays: [] }
    const facts: Facts = {
      team: state.key,
      agent,
      process,
      life: lifeOf(process),
      resumability: resumabilityOf(agent, moment.lost(index), setting.fates[index]?.writtenAtStart ?? false),
      sessionAgeMs: agent.session === null ? null : at - Date.parse(agent.session.capturedAt),
      spoken: agent.firstSend._tag === "Absent"
        ? { state: "never", evidence: "nobody ever spoke to it" }
        : { state: "spoken", evidence: "it was spoken to" },
      unconverged: null,
      drift: [],
      history: agent.history,
      roster,
      otherTeams: [],
      trigger,
      boot: moment.boot,
      now: at
    }
    const meant = named === "all" || named.includes(agent.spec.id)
    const untouched = !meant || (onlyDead && (process.state !== "dead" || agent.phase === "stopped") && !agent.spec.paused)
    const decided = untouched
      ? meant ? notDead : notNamed
      : decideOne(request, facts, { boot, continues: false, unlisted: null, wait: waitOf(agent, null, undefined) })
    return { facts, observation, decided, untouched, alreadyBack: false }
  })
  const refusal = firstRefusal({
    team: state.key,
    atomic: policy.atomic,
    agents,
    converged: {
      team: state,
      discovery: { assigned: new Map(), ambiguous: [], candidateCounts: {}, spoken: new Map(), unwritten: new Set(), doubts: new Map(), open: new Map(), silent: new Map() },
      convergence: converged,
      requiredMissing: []
    },
    required: [],
    rollout: policy.rollout,
    granted: null,
    attach: null
  })
  return {
    team: state,
    request,
    agents,
    convergence: converged,
    foreign: [],
    selected: null,
    refusal,
    warnings: [],
    continues: null,
    boot,
    basedOn: state.lifecycleVersion
  }
}
