import * as Effect from "effect/Effect"
import { adoptedTeamFile } from "../../session/adopt-team-file.ts"
import type { TeamFile } from "../../spec/team-file.ts"
import { traceHash, traceLines } from "./facts.ts"
import { generate, kindOf, worldKinds, type WorldKind } from "./generate.ts"
import type { Wrap } from "./layers.ts"
import type { Among, Mutant } from "./mutant-hands.ts"
import { mutants } from "./mutants.ts"
import { describe, play } from "./play.ts"
import { isAllOrNone } from "./policies.ts"
import { isWorldStep, type PolicyName, type Scenario, type WorldStep } from "./scenario.ts"
import { teamFileTemplate } from "./setting.ts"
import { shrink } from "./shrink.ts"

/** A world in which a rule was broken, made as small as it can be while the same rule is. */
export interface SimulationFailure {
  readonly seed: number
  readonly rule: number
  readonly message: string
  /** The smallest scenario found, a line a step. */
  readonly scenario: ReadonlyArray<string>
  /** Its facts up to the one that broke the rule, a line each. */
  readonly trace: ReadonlyArray<string>
  readonly traceHash: string
}

/** A world played once more: as it failed, or from its beginning to its end where it holds all rules. */
export interface Replay {
  readonly failure: SimulationFailure | null
  readonly scenario: ReadonlyArray<string>
  readonly trace: ReadonlyArray<string>
  readonly traceHash: string
  /** Of all that happened in the world of the seed, before it was made small. */
  readonly wholeTraceHash: string
}

export interface MutantKilled extends Pick<Mutant, "name" | "rule"> {
  /** The first seed whose world breaks the mutant's rule; null where none did. */
  readonly killedBySeed: number | null
}

/** Worlds from seeds, and whether they hold the rules. */
export interface Simulation {
  /** Whether the world of this seed breaks a rule. */
  readonly breaks: (seed: number) => boolean
  /** What is wrong in the world of this seed; null where nothing is. */
  readonly check: (seed: number, wrap?: Wrap) => SimulationFailure | null
  /** Shows the world of this seed: a failure as `check` shows it, to the same hash. */
  readonly replay: (seed: number, wrap?: Wrap) => Replay
  /** Plays a scenario that was written by hand; `wrap` puts something between its processes and what they run on. */
  readonly play: (scenario: Scenario, wrap?: Wrap) => ReturnType<typeof play>
  /** Looks for a world that kills a mutant, among so many. */
  readonly kill: (mutant: Mutant, worlds: number) => MutantKilled
}

const ruleOf = (template: TeamFile, scenario: Scenario, wrap?: Wrap): number | null =>
  play(template, scenario, wrap).violations[0]?.rule ?? null

const check = (template: TeamFile, seed: number, wrap?: Wrap): SimulationFailure | null => {
  const scenario = generate(seed)
  const rule = ruleOf(template, scenario, wrap)
  if (rule === null) return null
  const small = shrink(scenario, (candidate) => ruleOf(template, candidate, wrap) === rule)
  const { facts, violations } = play(template, small, wrap)
  const [first] = violations
  const trace = traceLines(facts.slice(0, (first?.fact ?? facts.length) + 1))
  return { seed, rule, message: first?.message ?? "", scenario: describe(small), trace, traceHash: traceHash(trace) }
}

const restartsBy = (scenario: Scenario, test: (policy: PolicyName) => boolean): boolean =>
  scenario.steps.some((step) => !isWorldStep(step) && step.commands.some((command) => command.do === "restart" && test(command.policy)))

const happens = (scenario: Scenario, verb: WorldStep["do"]): boolean => JSON.stringify(scenario.steps).includes(`"do":"${verb}"`)

/** Whether a world has what some mutants need. */
const has: Readonly<Record<Among, (scenario: Scenario) => boolean>> = {
  people: ({ agents }) => agents.some(({ byHand = false }) => byHand),
  allOrNone: (scenario) => restartsBy(scenario, isAllOrNone),
  suspended: (scenario) => happens(scenario, "suspended") || happens(scenario, "turn fails"),
  limits: (scenario) => happens(scenario, "limit begins"),
  boots: (scenario) => happens(scenario, "reboots"),
  work: (scenario) => JSON.stringify(scenario.steps).includes('"unconfirmed":true'),
  logs: ({ seed }) => kindOf(seed) === "logs",
  children: ({ seed }) => kindOf(seed) === "children",
  changed: ({ seed }) => kindOf(seed) === "changed",
  logins: ({ agents }) => agents.some(({ login = false }) => login)
}

/** Makes the simulation; the worlds themselves need nothing of the host any more. */
export const simulation = Effect.map(Effect.zipLeft(teamFileTemplate, adoptedTeamFile("none", [], "/")), (template): Simulation => ({
  breaks: (seed) => ruleOf(template, generate(seed)) !== null,
  check: (seed, wrap) => check(template, seed, wrap),
  replay: (seed, wrap) => {
    const scenario = generate(seed)
    const whole = traceLines(play(template, scenario, wrap).facts)
    const wholeTraceHash = traceHash(whole)
    const failure = check(template, seed, wrap)
    return failure === null
      ? { failure, scenario: describe(scenario), trace: whole, traceHash: wholeTraceHash, wholeTraceHash }
      : { failure, scenario: failure.scenario, trace: failure.trace, traceHash: failure.traceHash, wholeTraceHash }
  },
  play: (scenario, wrap) => play(template, scenario, wrap),
  kill: ({ among, name, rule, wrap }, worlds) => {
    for (let seed = 1, played = 0; played < worlds; seed++) {
      const scenario = generate(seed)
      if (among !== undefined && !has[among](scenario)) continue
      played += 1
      const broken = play(template, scenario, wrap).violations
      if (broken.some((violation) => violation.rule === rule)) return { rule, name, killedBySeed: seed }
    }
    return { rule, name, killedBySeed: null }
  }
}))

export { rules } from "./rules.ts"
export { kindOf, mutants, worldKinds }
export type { CommandEnd } from "./commands.ts"
export type { WorldKind }
export type { Wrap } from "./layers.ts"
export type { CommandStep, Scenario, SimulatedAgent, Step } from "./scenario.ts"
