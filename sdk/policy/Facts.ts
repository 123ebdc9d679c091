import type { SessionConvergence } from "../domain/decision.ts"
import type { PaneInspection } from "../plugin/transport-driver.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { Resumability } from "../session/resumability.ts"
import type { Spoken } from "../session/discover.ts"

/** What is known of an agent's process now. `absent`: it was never started, so there is nothing to look at. */
export interface ProcessFact {
  readonly state: PaneInspection["state"] | "absent"
  readonly evidence: string
}

/** All that a decision about one agent may look at. Immutable, and the same facts give the same decision. */
export interface Facts {
  readonly team: string
  readonly agent: AgentState
  readonly process: ProcessFact
  readonly resumability: Resumability
  readonly spoken: Spoken
  /** Set when its session was still missing at the end of convergence: how far convergence came. */
  readonly unconverged: SessionConvergence | null
  /** What of the launch context would be different from the spawn before, as sentences. */
  readonly drift: ReadonlyArray<string>
}
