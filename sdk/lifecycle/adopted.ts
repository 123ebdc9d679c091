import * as Effect from "effect/Effect"
import type { AdoptedProcess, AgentState } from "../event-log/TeamState.ts"
import { processState, processTable } from "../plugin/process-table.ts"
import type { ProcessFact } from "../policy/Facts.ts"
import { ancestorsOf } from "../session/adopt-processes.ts"

// Agents whose process a person started. It is looked at through the host and its provider, never through a transport.

/** Whether the process that an agent was adopted from lives: by its pid and start time, so never another one. */
export const observeAdopted = ({ pid, place, startTime }: AdoptedProcess): Effect.Effect<ProcessFact> =>
  Effect.map(processState({ pid, startTime }), (state): ProcessFact => {
    switch (state) {
      case "alive":
        return { state, evidence: `process ${pid} (${place}), which a person started, lives` }
      case "dead":
        return { state, evidence: `process ${pid} (${place}), which a person had started, is gone` }
      case "unknown":
        return { state, evidence: `whether process ${pid} (${place}), which a person started, lives could not be read` }
    }
  })

/** This command and all that it descends from; null where the host could not be asked. */
export const callers: Effect.Effect<ReadonlySet<number> | null> = Effect.map(processTable, (table) =>
  table === null ? null : ancestorsOf(process.pid, table))

/** Adopted processes that may live, as the lists of what is spared name them: a person's, hence nobody else's to end. */
export const adoptedSpared = (
  agents: ReadonlyArray<{ readonly agent: AgentState; readonly lives: boolean }>,
  team: string
): ReadonlyArray<string> =>
  agents.flatMap(({ agent: { adopted, spec }, lives }) =>
    adopted === null || !lives ? [] : [`${team}/${spec.id}: process ${adopted.pid} (${adopted.place})`])
