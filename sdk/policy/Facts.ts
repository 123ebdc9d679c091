import type { SessionConvergence } from "../domain/decision.ts"
import type { AgentHistory, Trigger } from "../domain/history.ts"
import type { PaneInspection } from "../plugin/transport-driver.ts"
import type { AgentPhase, AgentState } from "../event-log/TeamState.ts"
import type { Resumability } from "../session/resumability.ts"
import type { Spoken } from "../session/discover.ts"

/** What is known of an agent's process now. `absent`: it was never started, so there is nothing to look at. */
export interface ProcessFact {
  readonly state: PaneInspection["state"] | "absent"
  readonly evidence: string
  /** It lives and was stopped by a signal, so that what it is doing is unknown: the process that has to be continued. */
  readonly suspended?: { readonly pid: number | null }
  /** Why it can't work in its directory any more, as the end of a sentence: that was removed, or another has its name. */
  readonly lostDirectory?: string
}

/** Whether a process lives, in three values: only proof counts for either of the first two. */
export type Life = "alive" | "dead" | "unknown"

/** What a process's state says of its life. A place that was taken by a stranger proves nothing of who was there. */
export const lifeOf = ({ state }: ProcessFact): Life => {
  switch (state) {
    case "alive":
    case "orphaned":
      return "alive"
    case "dead":
    case "absent":
      return "dead"
    case "foreign":
    case "unknown":
      return "unknown"
  }
}

/** What a decision about one agent may know of each agent of its team, itself included. */
export interface RosterEntry {
  readonly id: string
  readonly role: string | null
  readonly provider: string
  /** The agents on whose tasks its own build. */
  readonly dependsOn: ReadonlyArray<string>
  readonly paused: boolean
  readonly phase: AgentPhase
  readonly life: Life
  /** Names the login that its process runs with, never the login itself. */
  readonly credential: string
  readonly history: AgentHistory
}

/** All that a decision about one agent may look at. Immutable, and the same facts give the same decision. */
export interface Facts {
  readonly team: string
  readonly agent: AgentState
  readonly process: ProcessFact
  readonly life: Life
  readonly resumability: Resumability
  /** How old the capture of its session is, in milliseconds; null without a session. */
  readonly sessionAgeMs: number | null
  readonly spoken: Spoken
  /** Set when its session was still missing at the end of convergence: how far convergence came. */
  readonly unconverged: SessionConvergence | null
  /** What of the launch context would be different from the spawn before, as sentences. */
  readonly drift: ReadonlyArray<string>
  readonly history: AgentHistory
  /** Every agent of the team, in the order of its file. */
  readonly roster: ReadonlyArray<RosterEntry>
  /** Every agent of the workspace's other teams. Nobody looked whether they live. */
  readonly otherTeams: ReadonlyArray<RosterEntry>
  /** Why this restart is done. */
  readonly trigger: Trigger
  /** The boot of the machine; null where the host has no id for it. */
  readonly boot: string | null
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Names what an agent's process logs in with: its provider, and the account or the configuration that it uses. */
export const credentialOf = ({ spawn, spec }: AgentState): string =>
  `${spec.provider}/${spawn?.launchContext.account ?? spawn?.launchContext.configHome ?? "default"}`

/** What the others may know of an agent. */
export const rosterEntry = (agent: AgentState, life: Life, dependsOn: ReadonlyArray<string> = []): RosterEntry => ({
  id: agent.spec.id,
  role: agent.spec.role,
  provider: agent.spec.provider,
  dependsOn,
  paused: agent.spec.paused,
  phase: agent.phase,
  life,
  credential: credentialOf(agent),
  history: agent.history
})
