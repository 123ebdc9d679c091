import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { startTimeOf } from "../../domain/boot.ts"
import type { Event, LogEntry } from "../../domain/event.ts"
import { TeamKey } from "../../domain/ids.ts"
import * as EventLogMemory from "../../event-log/EventLogMemory.ts"
import { fold } from "../../event-log/fold.ts"
import type { TeamState } from "../../event-log/TeamState.ts"
import type { TeamFile } from "../../spec/team-file.ts"
import { makeMemoryTransport } from "../memory-transport.ts"
import { type Boundary, boundaryLog, boundaryProcesses, boundaryProvider, boundaryTransport, fileFaults } from "./boundary.ts"
import { type CommandEnd, factsOf, type Origin, runCommand, teamName, workspace } from "./commands.ts"
import { conversationReports, noConversations } from "./conversations.ts"
import type { Fact, Happening } from "./facts.ts"
import { happenings } from "./happenings.ts"
import { bootOf, type ProcessServices, type Wrap } from "./layers.ts"
import { mix, randomFrom } from "./random.ts"
import { firstPersonPid, makePeople } from "./people.ts"
import { heldBy, observedProcesses, observedTransport, recordedDriver, recordedLog } from "./recorded.ts"
import { type Violation, watchRules } from "./rules.ts"
import type { CommandStep, Scenario, Step } from "./scenario.ts"
import { env, loginVariable, providers, providersBeside, teamFileOf } from "./setting.ts"
import { type CliBehaviour, simulatedCli } from "./simulated-cli.ts"
import type { Limit } from "./simulated-limit.ts"
import { fileSystemOf, makeFiles } from "./SimulatedFiles.ts"
import { makeWorkspaceLog } from "./workspace-log.ts"
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
  const limits = new Map<string, Limit>()
  const conversations = noConversations()
  const shared = new Map<string, number>()
  const adoptedSpecs = new Map<string, TeamFile["spec"]>()
  const watch = watchRules()
  let processes = 0
  let batches = 0
  let boots = 1
  let bootedAt = 0

  /** What the log tells of people's processes that became agents. */
  const learn = (event: Event): void => {
    if (event.type === "team.recorded" && !agents.some(({ byHand: persons = false, team = teamName }) => !persons && team === event.team)) {
      adoptedSpecs.set(event.team, event.spec)
    }
    if (event.type === "agent.spawn_intended" && event.mode === "fresh") {
      // What a person has open of an agent that goes on elsewhere is the person's own from here.
      for (const [session, { agent }] of conversations.known) if (agent === event.agent && people.hasOpen(session, conversations)) conversations.known.delete(session)
    }
    if (event.type !== "agent.adopted") return
    const { agent, generation, pid, team } = event
    people.adopted.set(pid, { team, agent, generation })
    const session = conversations.byPid.get(pid)
    const path = session === undefined ? undefined : conversations.paths.get(session)
    if (session !== undefined && path !== undefined) conversations.known.set(session, { agent, path })
  }
  const noteBy = (by: string) => (happening: Happening): void => {
    const fact: Fact = { ...happening, at: time.now(), by }
    facts.push(fact)
    if (fact.kind === "writes") learn(fact.event)
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
  const sinceBoot = (): number => time.sinceBegin() - bootedAt
  const startTime = (): string => startTimeOf(Math.floor(sinceBoot() / 10), bootOf(boots))
  const reports = conversationReports(conversations, () => people, note)
  const cli = simulatedCli({ behaviours, limits, files, reports, now: time.now })
  const machine = (firstPid: number) =>
    inWorld(Scope.extend(makeMemoryTransport({ startTime, programs: { cli }, firstPid }), scope))
  const transport = machine(1_000)
  const terminals = machine(firstPersonPid)
  const people = makePeople({
    time,
    startTime,
    sinceBoot,
    terminals,
    transport,
    ignoresStop: (agent) => behaviours.get(agent)?.ignoresStop === true
  })
  const ownProviders = agents.some(({ byHand: persons = false }) => persons)
    ? providersBeside(people.records((pid) => conversations.byPid.get(pid), (session) => conversations.paths.get(session) ?? null))
    : null
  const log = inWorld(EventLogMemory.make)
  const truth = inWorld(log.openFor("world"))
  const workspaceLog = makeWorkspaceLog({ log, note, people, workspace })
  const written = teamFileOf(template, agents)
  const fileOf = (team: string): TeamFile => {
    const spec = adoptedSpecs.get(team)
    return spec === undefined ? written(team) : { ...written(team), spec }
  }

  /** From whose process a command is started; null for a terminal of its own. */
  const originOf = ({ from, ...step }: CommandStep): Origin => {
    const process = from === undefined ? undefined : people.livingOf(from)
    if (process !== undefined && people.isPersons(process.identity.pid)) return { from: process.identity.pid, inside: null }
    const agent = process?.request.agent ?? ("inside" in step ? step.inside : undefined)
    const team = process?.request.team ?? agents.find(({ id }) => id === agent)?.team ?? teamName
    return { from: null, inside: agent === undefined ? null : { team, agent } }
  }

  const servicesOf = (step: CommandStep, process: SimulatedProcess, { inside, self }: Origin & { readonly self: number }, salt: number): ProcessServices => {
    const bornIn = boots
    const boundary: Boundary = {
      isUp: () => boots === bornIn,
      time,
      process,
      world,
      random: randomFrom(mix(seed, salt)),
      faults: step.faults ?? 0,
      presumedDeadAt: step.presumedDeadAt ?? 0,
      onPresumedDead: () => {
        noteBy(process.name)({ kind: "happens", what: "is held up and taken for dead" })
        time.fork(world, log.end(process.name), () => undefined)
      },
      onUnwritable: () => noteBy(process.name)({ kind: "unwritable" })
    }
    const own = noteBy(process.name)
    const { [loginVariable]: login = "", ...poor } = env
    const given = step.poor === true ? poor : { ...poor, [loginVariable]: login }
    const { service, verdict } = inWorld(workspaceLog.openFor(process.name, step))
    return wrap({
      log: boundaryLog(boundary, recordedLog(service, { people, conversations, files, nextBatch: () => ++batches }, own)),
      verdict,
      transport: observedTransport(
        { ...boundaryTransport(boundary, recordedDriver({ world: transport, people, command: self }, own)), name: "memory", plugin: "simulated" },
        own
      ),
      providers: ownProviders === null
        ? providers
        : new Map([...ownProviders].map(([name, provider]) => [name, boundaryProvider(boundary, provider)])),
      processes: observedProcesses(boundaryProcesses(boundary, people.hostOf(self, own)), people, own),
      files: fileSystemOf(files, fileFaults(boundary), time.now),
      sinceBoot,
      boot: bootOf(boots),
      env: inside === null ? given : { ...given, REPRISE_AGENT: inside.agent, REPRISE_TEAM: inside.team, REPRISE_WORKSPACE: workspace }
    }, { process: process.name, team: factsOf(step, { from: null, inside }).team, shared })
  }

  const { livingOf } = people
  const running = new Set<SimulatedProcess>()
  const happen = happenings({
    agents,
    behaviours,
    conversations,
    files,
    limits,
    note,
    people,
    terminals,
    time,
    transport,
    truth,
    workspaceLog,
    world,
    reboot: () => {
      boots += 1
      bootedAt = time.sinceBegin()
      for (const process of running) time.kill(process)
      note({ kind: "boots", boot: bootOf(boots) })
    }
  })

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
      const process: SimulatedProcess = time.process(name, {
        ...step.dieAt === undefined ? {} : { dieAt: step.dieAt },
        onDeath: () => {
          running.delete(process)
          if (step.do !== "supervise") open -= 1
          own({ kind: "dies" })
          ends.push({ command: step.do, outcome: "died", ok: false, refused: false })
          time.fork(world, log.end(name), () => undefined)
        }
      })
      if (step.do === "supervise") supervisors.push(process)
      running.add(process)
      const start = (): void => {
        if (!process.alive) return
        const origin = originOf(step)
        const self = people.command(process, origin.from)
        own({ kind: "begins", command: factsOf(step, origin) })
        for (const { after, what } of step.meanwhile ?? []) time.after(world, after, () => happen(what))
        time.fork(process, runCommand(step, { fileOf, adoptable: people.adoptable }, servicesOf(step, process, { ...origin, self }, 100 * steps + at)), (exit) => {
          people.commandEnds(self)
          running.delete(process)
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
    limits,
    conversations,
    transport,
    step,
    state,
    entries,
    note,
    inWorld,
    livingOf,
    /** The teams that were adopted. */
    adoptedTeams: () => [...new Set([...people.adopted.values()].map(({ team }) => team))],
    /** What was stopped by a signal goes on. */
    continueAll: () => {
      for (const { identity: { pid }, request: { agent } } of transport.processes()) {
        if (people.suspended.delete(pid)) note({ kind: "suspended", agent, pid, now: false })
      }
      people.suspended.clear()
    },
    /** What a tool put in the place of the newest log is gone again. */
    putLogBack: () => inWorld(workspaceLog.putBack),
    /** People end what is in the way of a restart. */
    peopleGo: () => inWorld(people.end(people.inTheWay())),
    /** Whether somebody supervises the team. */
    supervised: () => supervisors.some(({ alive }) => alive),
    /** Whether a conversation is more than its user's wish to begin one: until it is written there is nothing to come back to. */
    isBegun: (session: string) => !conversations.cleared.has(session) || files.read(conversations.paths.get(session) ?? "")?.text.includes("\"sessionId\"") === true,
    held: (agent: string) => heldBy(agent, conversations, files),
    /** What the events give when they are folded anew, from the first. */
    folded: (team: string) => entries(team).reduce<TeamState | undefined>(fold, undefined)
  }
}

export type SimulatedWorld = ReturnType<typeof makeSimulatedWorld>
