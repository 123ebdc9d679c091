import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogEntry } from "../../domain/event.ts"
import { AgentId, TeamKey } from "../../domain/ids.ts"
import * as EventLogMemory from "../../event-log/EventLogMemory.ts"
import { fold } from "../../event-log/fold.ts"
import { agentOf, type TeamState } from "../../event-log/TeamState.ts"
import type { Provider } from "../../plugin/PluginHost.ts"
import { parseTeamFile, type TeamFile, type TeamFileInvalid, type TeamFileUnreadable } from "../../spec/team-file.ts"
import { makeMemoryTransport } from "../memory-transport.ts"
import { type Boundary, boundaryLog, boundaryTransport, fileFaults } from "./boundary.ts"
import { type CommandEnd, factsOf, runCommand, teamName, workspace } from "./commands.ts"
import type { Fact, Happening } from "./facts.ts"
import { type ProcessServices, simulatedBoot, type Wrap } from "./layers.ts"
import { mix, randomFrom } from "./random.ts"
import { type Conversations, heldBy, observedTransport, recordedDriver, recordedLog } from "./recorded.ts"
import { type Violation, watchRules } from "./rules.ts"
import type { CommandStep, Scenario, SimulatedAgent, Step, WorldStep } from "./scenario.ts"
import { type CliBehaviour, providerKinds, simulatedCli, simulatedProvider } from "./simulated-cli.ts"
import { fileSystemOf, makeFiles } from "./SimulatedFiles.ts"
import { makeVirtualTime, type SimulatedProcess } from "./VirtualTime.ts"

/** What became of a scenario. */
export interface Played {
  readonly facts: ReadonlyArray<Fact>
  readonly violations: ReadonlyArray<Violation & { readonly fact: number }>
  readonly ends: ReadonlyArray<CommandEnd & { readonly command: string }>
  /** How many instants there were at which something ran. */
  readonly instants: number
}

const mostInstants = 400_000

const env = {
  HOME: "/home/sim",
  PATH: "/bin",
  REPRISE_SESSION_CONVERGE_DEADLINE_MS: "300",
  REPRISE_SESSION_CONVERGE_POLL_MS: "100",
  REPRISE_READY_DEADLINE_MS: "1500",
  REPRISE_STOP_GRACE_MS: "50"
}

const providers: ReadonlyMap<string, Provider> = new Map(
  Object.entries(providerKinds).map(([name, kind]) => [name, { ...simulatedProvider(name, kind), name, plugin: "simulated" }])
)

/** A team file from which those of all worlds are made: reading one takes real time. */
export const teamFileTemplate: Effect.Effect<TeamFile, TeamFileInvalid | TeamFileUnreadable> = parseTeamFile(
  JSON.stringify({ name: teamName, agents: { a: { provider: "assigned" } } }),
  { file: "team.yaml", workspace }
)

const teamFileOf = (template: TeamFile, all: ReadonlyArray<SimulatedAgent>) => (name: string): TeamFile => ({
  ...template,
  spec: {
    ...template.spec,
    name: TeamKey.make(name),
    agents: all.filter(({ team = teamName }) => team === name).flatMap(({ id, paused = false, permissions, provider }) =>
      template.spec.agents.map((agent) => ({ ...agent, id: AgentId.make(id), provider, permissions, paused })))
  }
})

/**
 * Makes a world from a seed and gives the hands with which a scenario is played in it. Everything happens inside the
 * calls: nothing of a world outlives them.
 */
export const makeSimulatedWorld = (template: TeamFile, { agents, seed }: Scenario, wrap: Wrap = (services) => services) => {
  const time = makeVirtualTime(seed)
  const world = time.process("world")
  const files = makeFiles()
  const facts: Array<Fact> = []
  const violations: Array<Violation & { readonly fact: number }> = []
  const ends: Array<CommandEnd & { readonly command: string }> = []
  const behaviours = new Map<string, CliBehaviour>(agents.map(({ behaviour, id }) => [id, behaviour]))
  const conversations: Conversations = { byPid: new Map(), known: new Map(), released: new Set() }
  const shared = new Map<string, number>()
  const watch = watchRules()
  let processes = 0
  let batches = 0

  const noteBy = (by: string) => (happening: Happening): void => {
    const fact: Fact = { ...happening, at: time.now(), by }
    facts.push(fact)
    for (const violation of watch(fact)) violations.push({ ...violation, fact: facts.length - 1 })
  }
  const note = noteBy("world")

  /** Does something on the world's side, at once where it needs no time. */
  const inWorld = <A, E>(effect: Effect.Effect<A, E>): A => {
    let answer: Exit.Exit<A, E> | undefined
    time.fork(world, effect, (exit) => {
      answer = exit
    })
    time.run(() => answer !== undefined, mostInstants)
    if (answer === undefined || Exit.isFailure(answer)) throw new Error(`The world broke: ${String(answer?.cause ?? "nothing came")}`)
    return answer.value
  }

  const scope = inWorld(Scope.make())
  const transport = inWorld(Scope.extend(
    makeMemoryTransport({
      startTime: () => `${Math.floor(time.sinceBegin() / 10)}@${simulatedBoot}`,
      programs: {
        cli: simulatedCli(behaviours, files, {
          onStart: (pid, session, path) => {
            const agent = agentOfPid(pid)
            const living = transportProcesses().filter((process) => process.alive && process.identity.pid !== pid)
            const beside = living.flatMap(({ identity }) => conversations.byPid.get(identity.pid) === session ? identity.pid : [])
            conversations.byPid.set(pid, session)
            if (path !== null && !conversations.known.has(session)) conversations.known.set(session, { agent, path })
            note({ kind: "starts", agent, pid, session, shared: beside })
          },
          onHeard: (pid, session, text) => note({ kind: "hears", agent: agentOfPid(pid), session, text })
        }, time.now)
      }
    }),
    scope
  ))
  const transportProcesses = () => transport.processes()
  const agentOfPid = (pid: number): string =>
    transportProcesses().find(({ identity }) => identity.pid === pid)?.request.agent ?? "?"
  const log = inWorld(EventLogMemory.make)
  const truth = inWorld(log.openFor("world"))
  const fileOf = teamFileOf(template, agents)

  const servicesOf = (step: CommandStep, process: SimulatedProcess, salt: number): ProcessServices => {
    const boundary: Boundary = {
      time,
      process,
      world,
      random: randomFrom(mix(seed, salt)),
      faults: step.faults ?? 0,
      presumedDeadAt: step.presumedDeadAt ?? 0,
      onPresumedDead: () => {
        noteBy(process.name)({ kind: "happens", what: "is held up and taken for dead" })
        time.fork(world, log.end(process.name), () => undefined)
      }
    }
    const own = noteBy(process.name)
    const inside = factsOf(step).inside
    const service = inWorld(log.openFor(process.name))
    return wrap({
      log: boundaryLog(boundary, recordedLog(service, { world: transport, conversations, files, nextBatch: () => ++batches }, own)),
      transport: observedTransport(
        { ...boundaryTransport(boundary, recordedDriver(transport, own)), name: "memory", plugin: "simulated" },
        own
      ),
      providers,
      files: fileSystemOf(files, fileFaults(boundary), time.now),
      sinceBoot: time.sinceBegin,
      env: inside === null ? env : { ...env, REPRISE_AGENT: inside, REPRISE_TEAM: teamName, REPRISE_WORKSPACE: workspace }
    }, { process: process.name, shared })
  }

  const livingOf = (agent: string) => transport.processes().findLast((process) => process.alive && process.request.agent === agent)

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

  const happen = (step: WorldStep): void => {
    note({ kind: "happens", what: JSON.stringify(step) })
    const later = (effect: Effect.Effect<void>): void => time.fork(world, effect, () => undefined)
    switch (step.do) {
      case "dies": {
        const pid = livingOf(step.agent)?.identity.pid
        if (pid !== undefined) later(transport.kill(pid, undefined, { silent: step.silently }))
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
      case "person says": {
        const pane = livingOf(step.agent)?.identity
        if (pane === undefined) return
        return later(Effect.ignore(Effect.zipRight(transport.driver.paste(pane, step.text), transport.driver.press(pane, ["Enter"]))))
      }
      case "clock jumps":
        return time.jump(step.millis)
      case "cli behaves":
        behaviours.set(step.agent, step.behaviour)
        return
      case "time passes":
        return
    }
  }

  const supervisors: Array<SimulatedProcess> = []
  let steps = 0
  /** Starts commands at once, each in its own process, and waits until each of them has ended or died; supervisors go on. */
  const command = (commands: ReadonlyArray<CommandStep>): void => {
    steps += 1
    time.reseed(mix(seed, 1000 + steps))
    const waited = commands.filter(({ do: verb }) => verb !== "supervise").length
    let open = waited
    commands.forEach((step, at) => {
      processes += 1
      const name = `${step.do}-${processes}`
      const own = noteBy(name)
      const process = time.process(name, {
        ...step.dieAt === undefined ? {} : { dieAt: step.dieAt },
        onDeath: () => {
          if (step.do !== "supervise") open -= 1
          own({ kind: "dies" })
          ends.push({ command: step.do, outcome: "died", ok: false, refused: false })
          time.fork(world, log.end(name), () => undefined)
        }
      })
      if (step.do === "supervise") supervisors.push(process)
      const start = (): void => {
        own({ kind: "begins", command: factsOf(step) })
        for (const { after, what } of step.meanwhile ?? []) time.after(world, after, () => happen(what))
        time.fork(process, runCommand(step, fileOf, servicesOf(step, process, 100 * steps + at)), (exit) => {
          if (step.do !== "supervise") open -= 1
          else supervisors.splice(supervisors.indexOf(process), 1)
          const end = Exit.isSuccess(exit) ? exit.value : { outcome: `broke: ${String(exit.cause)}`, ok: false, refused: false }
          own({ kind: "ends", ...end })
          ends.push({ command: step.do, ...end })
          if (end.outcome.startsWith("defect") || end.outcome.startsWith("broke")) {
            note({ kind: "settles", wrong: [{ rule: 0, problem: `${name} broke: ${end.outcome}` }] })
          }
        })
      }
      if (step.startsAfter === undefined) start()
      else time.after(world, step.startsAfter, start)
    })
    if (waited === 0) return pass(50)
    if (!time.run(() => open === 0, mostInstants)) {
      note({ kind: "settles", wrong: [{ rule: 0, problem: `a command never ended: ${commands.map(({ do: verb }) => verb).join(", ")}` }] })
    }
  }

  const pass = (millis: number): void => {
    let over = false
    time.after(world, millis, () => {
      over = true
    })
    time.run(() => over, mostInstants)
  }

  const step = (step: Step): void => {
    if (step.do === "commands") return command(step.commands)
    if (step.do === "time passes") pass(step.millis)
    else {
      happen(step)
      pass(1)
    }
  }

  const state = (team: string): TeamState | null => Option.getOrNull(inWorld(Effect.orDie(truth.state(TeamKey.make(team)))))
  const entries = (team: string): ReadonlyArray<LogEntry> => [...inWorld(Effect.orDie(Stream.runCollect(truth.read({ team: TeamKey.make(team) }))))]

  return {
    time,
    world,
    files,
    facts,
    violations,
    ends,
    behaviours,
    conversations,
    transport,
    step,
    state,
    entries,
    note,
    inWorld,
    livingOf,
    /** Whether somebody supervises the team. */
    supervised: () => supervisors.some(({ alive }) => alive),
    held: (agent: string) => heldBy(agent, conversations, files),
    /** What the events give when they are folded anew, from the first. */
    folded: (team: string) => entries(team).reduce<TeamState | undefined>(fold, undefined)
  }
}

export type SimulatedWorld = ReturnType<typeof makeSimulatedWorld>
