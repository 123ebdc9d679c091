import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Context from "effect/Context"
import { TeamKey } from "../../domain/ids.ts"
import type { EventLog } from "../../event-log/EventLog.ts"
import { agentOf } from "../../event-log/TeamState.ts"
import type { MemoryTransport } from "../memory-transport.ts"
import { teamName, workspace } from "./commands.ts"
import type { Conversations } from "./conversations.ts"
import type { People } from "./people.ts"
import type { Note } from "./recorded.ts"
import type { SimulatedAgent, WorldStep } from "./scenario.ts"
import { byHand, clear, type CliBehaviour, failing } from "./simulated-cli.ts"
import { type Limit, statusOf } from "./simulated-limit.ts"
import type { SimulatedFiles } from "./SimulatedFiles.ts"
import type { WorkspaceLog } from "./workspace-log.ts"
import type { SimulatedProcess, VirtualTime } from "./VirtualTime.ts"

// What a world does by itself: agents die, people type, the machine comes up again.

export interface HappeningsOptions {
  readonly agents: ReadonlyArray<SimulatedAgent>
  readonly behaviours: Map<string, CliBehaviour>
  readonly limits: Map<string, Limit>
  readonly conversations: Conversations
  readonly files: SimulatedFiles
  readonly note: Note
  readonly people: People
  /** Where people start things. */
  readonly terminals: MemoryTransport
  readonly transport: MemoryTransport
  readonly time: VirtualTime
  /** The log, as it is without a fault. */
  readonly truth: Context.Tag.Service<typeof EventLog>
  readonly workspaceLog: WorkspaceLog
  readonly world: SimulatedProcess
  /** Ends what runs of Reprise, and begins another boot. */
  readonly reboot: () => void
}

/** Answers what makes a step of the world happen. */
export const happenings = (
  { agents, behaviours, conversations, files, limits, note, people, reboot, terminals, time, transport, truth, workspaceLog, world }: HappeningsOptions
): (step: WorldStep) => void => {
  const { livingOf } = people
  const worldOf = (pid: number) => people.isPersons(pid) ? terminals : transport
  const says = (agent: string, text: string): Effect.Effect<void> => {
    const pane = livingOf(agent)?.identity
    if (pane === undefined) return Effect.void
    const { driver } = worldOf(pane.pid)
    return Effect.ignore(Effect.zipRight(driver.paste(pane, text), driver.press(pane, ["Enter"])))
  }
  const isAgent = (id: string): boolean => [...people.adopted.values()].some(({ agent }) => agent === id)
  const startsByHand = (id: string, resumes: boolean): Effect.Effect<void> => {
    const agent = agents.find((one) => one.id === id)
    const [session = null] = [...conversations.known].flatMap(([known, { agent: owner, path }]) => owner === id && files.read(path) !== undefined ? known : []).toReversed()
    // A team has it already under this name.
    if (agent === undefined || livingOf(id) !== undefined || (isAgent(id) && (!resumes || session === null))) return Effect.void
    const argv = byHand(agent.provider, agent.permissions, workspace, resumes ? session : null)
    return Effect.orDie(Effect.map(people.start(id, argv, workspace), (pid) =>
      note({ kind: "by hand", agent: id, pid, permissions: agent.permissions })))
  }

  const damageFirstSend = (agent: string) =>
    Effect.flatMap(truth.state(TeamKey.make(teamName)), (team) => {
      const damaged = Option.match(team, { onNone: () => undefined, onSome: (state) => agentOf(state, agent) })
      return damaged === undefined ? Effect.void : Effect.asVoid(truth.append([{
        type: "agent.first_send_recorded",
        team: TeamKey.make(teamName),
        agent: damaged.spec.id,
        generation: damaged.generation,
        first_send_at: 0
      }]))
    })

  /** Whom a step of the world ends. */
  const endedBy = (step: WorldStep): ReadonlyArray<string> => {
    switch (step.do) {
      case "dies":
      case "stranger takes pane":
        return [step.agent]
      case "home vanishes":
      case "reboots":
        return agents.map(({ id }) => id)
      case "limit begins":
        return step.endsNow ? [step.agent] : []
      default:
        return []
    }
  }

  const limit = ({ agent, endsNow, forMs, kind, shown }: Extract<WorldStep, { do: "limit begins" }>): Effect.Effect<void> => {
    const until = forMs === null ? null : time.now() + forMs
    const begun: Limit = { kind, until, shown }
    limits.set(agent, begun)
    const pid = livingOf(agent)?.identity.pid
    if (!endsNow || pid === undefined || people.isPersons(pid)) return Effect.void
    return Effect.map(transport.kill(pid, { code: statusOf(begun), signal: null }), () =>
      note({ kind: "limited", agent, pid, until, ended: true }))
  }

  /** What nobody could observe has no status. */
  const goesDown = Effect.forEach([transport, terminals], (machine) =>
    Effect.zipRight(
      Effect.forEach(machine.processes(), ({ alive, identity }) =>
        alive ? machine.kill(identity.pid, { code: null, signal: null }, { silent: true }) : Effect.void),
      machine.vanish()
    ))

  return (step) => {
    const ended = endedBy(step)
    note({ kind: "happens", what: JSON.stringify(step), ...ended.length === 0 ? {} : { ended } })
    const later = (effect: Effect.Effect<void>): void => time.fork(world, effect, () => undefined)
    switch (step.do) {
      case "dies": {
        const pid = livingOf(step.agent)?.identity.pid
        if (pid !== undefined) later(worldOf(pid).kill(pid, undefined, { silent: step.silently }))
        return
      }
      case "home vanishes":
        return later(transport.vanish(step.survivors))
      case "transcripts lost":
        for (const { agent, path } of conversations.known.values()) if (agent === step.agent) files.remove(path)
        return
      case "transcripts replaced":
        for (const { agent, path } of conversations.known.values()) {
          if (agent !== step.agent) continue
          files.remove(path)
          files.append(path, `${JSON.stringify({ sessionId: `of-somebody-else-${agent}` })}\n`, time.now())
        }
        return
      case "first send damaged":
        return later(Effect.orDie(damageFirstSend(step.agent)))
      case "stranger takes pane":
        return later(transport.takePane(step.agent))
      case "person says":
        return later(says(step.agent, step.text))
      case "person clears": {
        // Else what they go over to could be adopted under a name that a team has already.
        const pid = livingOf(step.agent)?.identity.pid
        return pid !== undefined && !people.isAgents(pid) && isAgent(step.agent) ? undefined : later(says(step.agent, clear))
      }
      case "person starts":
        return later(startsByHand(step.agent, step.resumes))
      case "clock jumps":
        return time.jump(step.millis)
      case "suspended":
      case "continued": {
        const pid = livingOf(step.agent)?.identity.pid
        if (pid === undefined) return
        if (step.do === "suspended") people.suspended.add(pid)
        else people.suspended.delete(pid)
        return note({ kind: "suspended", agent: step.agent, pid, now: step.do === "suspended" })
      }
      case "leaves child": {
        const process = transport.processes().findLast(({ alive, request }) => alive && request.agent === step.agent)
        return process === undefined ? undefined : people.children.leave(process, step.inTerminal, note)
      }
      case "log rolled back":
        return later(workspaceLog.rollBack(step))
      case "log put back":
        return later(workspaceLog.putBack)
      case "turn fails":
        return later(says(step.agent, failing))
      case "limit begins":
        return later(limit(step))
      case "reboots":
        // Nothing of Reprise is there any more when its agents go.
        reboot()
        people.children.endAll()
        return later(Effect.asVoid(Effect.suspend(() => goesDown)))
      case "cli behaves":
        behaviours.set(step.agent, step.behaviour)
        return
      case "time passes":
        return
    }
  }
}
