import * as Effect from "effect/Effect"
import type { AdoptedProcess, AgentState } from "../event-log/TeamState.ts"
import { treeOf } from "../plugin/process-table.ts"
import type { ProcessFact } from "../policy/Facts.ts"
import { ancestorsOf } from "../session/adopt-processes.ts"
import { HostProcesses } from "../session/host-processes.ts"

// Agents whose process a person started. It is looked at through the host and its provider, never through a transport.

/** Whether the process that an agent was adopted from lives: by its pid and start time, so never another one. */
export const observeAdopted = ({ pid, place, startTime }: AdoptedProcess): Effect.Effect<ProcessFact> =>
  Effect.gen(function*(): Effect.fn.Return<ProcessFact> {
    const host = yield* HostProcesses
    const state = yield* host.state({ pid, startTime })
    const suspension = state === "alive" ? yield* host.suspension({ pid, startTime }) : null
    if (suspension !== null) {
      const evidence = `process ${pid} (${place}), which a person started, lives, and ${suspension.why}`
      return { state: "unknown", evidence, suspended: { pid: suspension.pid } }
    }
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
export const callers: Effect.Effect<ReadonlySet<number> | null> = Effect.flatMap(HostProcesses, ({ self, table }) =>
  Effect.map(table, (rows) => rows === null ? null : ancestorsOf(self, rows)))

/**
 * The agents that live below a process, as `team/agent (process pid)`: they would end with it. Any workspace's, by their
 * environment; null where the host could not be asked.
 */
export const agentsBelow = ({ pid, startTime }: AdoptedProcess): Effect.Effect<ReadonlyArray<string> | null> =>
  Effect.gen(function*() {
    const host = yield* HostProcesses
    const table = yield* host.table
    const processes = yield* host.own
    if (table === null || processes === null) return null
    const below = new Set(treeOf(table, [{ pid, startTime }]).map((row) => row.pid))
    const names = processes.flatMap(({ env, pid: at }) => {
      const [team, agent] = [env["REPRISE_TEAM"], env["REPRISE_AGENT"]]
      return at === pid || !below.has(at) || team === undefined || agent === undefined ? [] : [[`${team}/${agent}`, at] as const]
    })
    // What an agent started carries its name, too: it is told of once.
    return names.flatMap(([name, at], index) => names.findIndex(([other]) => other === name) === index ? `${name} (process ${at})` : [])
  })

/** Adopted processes that may live, as the lists of what is spared name them: a person's, hence nobody else's to end. */
export const adoptedSpared = (
  agents: ReadonlyArray<{ readonly agent: AgentState; readonly lives: boolean }>,
  team: string
): ReadonlyArray<string> =>
  agents.flatMap(({ agent: { adopted, spec }, lives }) =>
    adopted === null || !lives ? [] : [`${team}/${spec.id}: process ${adopted.pid} (${adopted.place})`])
