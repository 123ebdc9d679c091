// reprise status: a team as it is now. Looks, and changes nothing.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type AgentView, Status, type TeamState } from "../sdk/index.ts"
import { agentTable } from "./command/agent-table.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { teamOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

/** What supervision does nothing about any more, of agents that are dead. */
const givenUp = ({ supervision }: TeamState, agents: ReadonlyArray<AgentView>): string =>
  supervision.givenUp.filter(({ agent }) => agents.some(({ id, status }) => id === agent && status === "dead"))
    .map(({ agent, why }) => ` Supervision leaves ${agent} as it is: ${why.replace(/\.*$/, "")}.`).join("")

const unfinishedWords = ({ operation, runBy }: Status.StatusReport): string =>
  operation === null
    ? ""
    : runBy === null
    ? ` An interrupted ${operation.kind} waits to be continued.`
    : ` A ${operation.kind} is running: process ${runBy.pid} (${runBy.command}), since ${runBy.since}.`

const sentence = (team: string, agents: ReadonlyArray<AgentView>, unfinished: string): string => {
  const counts = new Map<string, number>()
  for (const { status } of agents) counts.set(status, (counts.get(status) ?? 0) + 1)
  const said = [...counts].map(([status, count]) => `${count} ${status.replace("_", " ")}`).join(", ")
  return `Team ${team}: ${said || "no agents"}.${unfinished}`
}

export const verb = defineVerb({
  name: "status",
  description: "Shows a team: what each agent does, how that is known, and the conversation it is in.",
  config: { team: teamOption },
  plugins: "reported",
  run: ({ team }, { transport }) =>
    Effect.map(Effect.zipRight(sameTransport(Option.getOrUndefined(team), transport), Status.status(Option.getOrUndefined(team))), (report) => ({
      outcome: report.rolledBack === null ? "ok" : "log_rolled_back",
      ok: report.rolledBack === null,
      message: report.rolledBack?.message ??
        sentence(report.team.key, report.agents, unfinishedWords(report)) + givenUp(report.team, report.agents),
      ...report.rolledBack === null ? {} : { table: agentTable(report.agents), details: { evidence: report.rolledBack.evidence ?? [] } },
      next: report.rolledBack !== null ? ["reprise recover"] : report.runBy !== null ? [] : report.operation !== null
        ? [`reprise restart --team ${report.team.key} --continue`]
        : report.agents.some(({ status }) => status === "dead")
        ? [`reprise restart --team ${report.team.key} --dead`]
        : [],
      team: report.team.key,
      agents: report.agents,
      operation: report.operation === null ? null : {
        id: report.operation.id,
        kind: report.operation.kind,
        startedAt: report.operation.startedAt,
        state: report.runBy === null ? "interrupted" : "running",
        runBy: report.runBy,
        steps: report.operation.steps
      },
      coordinator: null,
      supervision: report.team.supervision,
      position: report.position,
      pendingMessages: report.pendingMessages,
      unreadable: report.team.unreadable
    })),
  human: ({ agents, message, next }) => [message, agentTable(agents), ...next.map((command) => `Next: ${command}`)].join("\n")
})

runIfStarted(import.meta.url, verb)
