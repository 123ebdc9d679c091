import type { Event, LogEntry } from "../../domain/event.ts"
import { buildsOn } from "../../domain/task.ts"
import type { Outage, Scenario, ScenarioAgent } from "./scenario.ts"

/** A recorded log as a scenario, and when it began, in milliseconds since the epoch. */
export interface Recorded {
  readonly scenario: Scenario
  readonly beginsAt: number
}

type Rules<Key extends "starts" | "deaths" | "lostTranscripts" | "outages" | "restarts"> = Array<NonNullable<Scenario[Key]>[number]>

const limits: ReadonlySet<string> = new Set(["usage_limit", "auth"])
const failures = ["crash", "not_ready", "bad_flags", "missing_binary", "resume_mismatch", "unknown"] as const

/** When all that was launched first was at work: there a simulated team begins. */
const beginOf = (entries: ReadonlyArray<{ readonly at: number; readonly event: Event }>): number =>
  entries.find(({ event }) => event.type === "operation.finished")?.at
    ?? entries.find(({ event }) => event.type === "agent.ready")?.at
    ?? entries[0]?.at ?? 0

/**
 * Reads what befell a team in its log: who died when and how, how long starts took and which of them failed, which limits
 * were met, which transcripts were gone, what a person restarted. What was decided then is left out: that is for the policy
 * that is played. Null without a team. Pure.
 */
export const scenarioOfLog = (log: ReadonlyArray<LogEntry>): Recorded | null => {
  const entries = log.flatMap((entry) => entry._tag === "Event" ? [{ at: Date.parse(entry.at), event: entry.event }] : [])
  const spec = entries.flatMap(({ event }) => event.type === "team.recorded" ? event.spec : []).at(-1)
  if (spec === undefined) return null
  const beginsAt = beginOf(entries)
  const horizon = Math.max(1, (entries.at(-1)?.at ?? beginsAt) - beginsAt)

  const agents: Record<string, ScenarioAgent> = {}
  for (const { id, paused, provider, role } of spec.agents) {
    agents[id] = { role, provider, paused, spoken: false, dependsOn: buildsOn(spec.tasks ?? [], id) }
  }
  const took = new Map<string, Array<number>>()
  const intended = new Map<string, number>()
  const ready = new Set<string>()
  const starts: Rules<"starts"> = []
  const deaths: Rules<"deaths"> = []
  const lostTranscripts: Rules<"lostTranscripts"> = []
  const outages: Rules<"outages"> = []
  const restarts: Rules<"restarts"> = []
  const reboots: Array<number> = []
  let supervise: Scenario["supervise"] = "off"

  const outage = (agent: string, from: number, kind: string, until: number | null): Outage => ({
    provider: agents[agent]?.provider ?? "fake",
    from,
    until: Math.max(from + 1, until ?? horizon),
    kind: kind === "auth" ? "auth" : "usage_limit",
    saysUntil: until !== null,
    ends: false
  })

  for (const { at, event } of entries) {
    const since = at - beginsAt
    const known = "agent" in event && event.agent !== undefined ? agents[event.agent] : undefined
    const key = "agent" in event && "generation" in event ? `${event.agent}/${event.generation}` : ""
    switch (event.type) {
      case "operation.started":
        if (event.kind === "restart" && (event.trigger ?? "person") === "person" && since >= 0) {
          const meant = event.agents.filter((id) => agents[id] !== undefined)
          const [living, dead] = [meant.filter((id) => event.alive.includes(id)), meant.filter((id) => !event.alive.includes(id))]
          if (living.length > 0) restarts.push({ at: since, agents: living })
          // Nobody would have restarted for their being dead whom another policy had brought back before.
          if (dead.length > 0) restarts.push({ at: since, agents: dead, dead: true })
        }
        break
      case "agent.spawn_intended":
        intended.set(key, at)
        break
      case "agent.ready": {
        const from = intended.get(key)
        if (known !== undefined && from !== undefined && from >= beginsAt) {
          took.set(event.agent, [...took.get(event.agent) ?? [], at - from])
        }
        ready.add(key)
        break
      }
      case "agent.exited":
        if (known === undefined || since < 0 || !ready.has(key)) break
        deaths.push({ agents: event.agent, distribution: "at", times: [since], how: event.exit?.code === 0 ? "ended" : "crash" })
        if (event.kind !== undefined && limits.has(event.kind)) outages.push(outage(event.agent, since, event.kind, null))
        break
      case "agent.failed": {
        if (known === undefined || since < 0) break
        const { kind, retryAt } = event.failure
        const plain = failures.find((one) => one === kind)
        const from = Math.max(0, (intended.get(key) ?? at) - beginsAt)
        if (limits.has(kind)) outages.push(outage(event.agent, from, kind, retryAt === null ? null : Date.parse(retryAt) - beginsAt))
        else if (kind === "missing_transcript") lostTranscripts.push({ agents: event.agent, at: from })
        else if (plain !== undefined && !ready.has(key)) starts.push({ agents: event.agent, from, until: since + 1, fails: plain })
        break
      }
      case "session.captured":
        // It was there to be found before anybody had spoken to the agent.
        if (known !== undefined && known.spoken === false) agents[event.agent] = { ...known, written: "at-start" }
        break
      case "agent.first_send_recorded":
      case "message.submitted":
        if (known !== undefined && known.spoken === false) agents[event.agent] = { ...known, spoken: since <= 0 ? true : since }
        break
      case "boot.decided":
        if (since >= 0) reboots.push(since)
        break
      case "supervision.enabled":
        supervise = event.strategy
        break
      default:
        break
    }
  }
  for (const [id, times] of took) {
    const [first, ...others] = times
    if (first !== undefined) starts.push({ agents: id, takes: [first, ...others] })
  }
  return {
    beginsAt,
    scenario: {
      name: `team ${spec.name}, as it was recorded`,
      horizon,
      agents,
      starts,
      deaths,
      lostTranscripts,
      outages,
      restarts,
      reboots,
      supervise
    }
  }
}
