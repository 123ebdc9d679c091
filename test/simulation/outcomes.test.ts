import { expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { failureDocument } from "../../scripts/command/document.ts"
import { EventLogError, type RestartReport } from "../../sdk/index.ts"
import {
  type CommandEnd,
  type CommandStep,
  type Scenario,
  type SimulatedAgent,
  simulation,
  type Step,
  type Wrap
} from "../../sdk/testing/simulation/simulate.ts"

// Each way in which a restart can end, and each thing that can come of an agent, in a world that holds all rules.

interface World extends Omit<Scenario, "seed"> {
  readonly wrap?: Wrap
}

const agent = (id: string, provider = "assigned", behaviour: SimulatedAgent["behaviour"] = {}): SimulatedAgent =>
  ({ id, provider, permissions: null, behaviour })
const silent = (id: string) => agent(id, "silent", { transcript: "at-first-message" })
const ada = agent("ada")
const team = [ada, agent("bob")]
const run = (...commands: ReadonlyArray<CommandStep>): Step => ({ do: "commands", commands })
const restart = (options: Partial<Extract<CommandStep, { do: "restart" }>> = {}): CommandStep =>
  ({ do: "restart", policy: "standard", ...options })
const up = run({ do: "up" })
const say = (to: string): Step => run({ do: "send", agent: to, text: `to ${to}` })
const spoken = [up, say("ada"), say("bob")]
const breaks: Step = { do: "cli behaves", agent: "ada", behaviour: { startup: "exits" } }
const lost: Step = { do: "transcripts lost", agent: "ada" }
const world = (agents: ReadonlyArray<SimulatedAgent>, ...steps: ReadonlyArray<Step>): World => ({ agents, steps })

/** Gives the restarts before the world's end, and nothing else, another place to run. */
const restartsIn = (services: Parameters<Wrap>[0], change: Partial<Parameters<Wrap>[0]>, process: string) =>
  process === "restart-2" ? { ...services, ...change } : services

/** By the outcome that a program is told. */
const outcomes = {
  restarted: world(team, ...spoken, run(restart())),
  planned: world(team, ...spoken, run({ do: "plan" })),
  partial: world(team, ...spoken, breaks, run(restart({ policy: "isolated" }))),
  failed: world([ada], up, say("ada"), breaks, run(restart())),
  // Which of two files belongs to whom can't be told.
  resume_not_ready: world([silent("ada"), silent("bob")], ...spoken, run(restart())),
  refused_invalid_first_send_at: world(team, ...spoken, { do: "first send damaged", agent: "ada" }, run(restart())),
  refused_dirty_topology: world(team, ...spoken, { do: "stranger takes pane", agent: "ada" }, run(restart())),
  grant_missing: world(team, ...spoken, run(restart({ policy: "noGrant" }))),
  refused_resume_atomicity: world(team, ...spoken, lost, run(restart())),
  refused_session_identity_mismatch: world(team, ...spoken, { do: "transcripts replaced", agent: "ada" }, run(restart())),
  confirmation_required: world([agent("ada", "assigned", { turn: 60_000 })], up, say("ada"), run(restart({ unconfirmed: true }))),
  refused_plan_stale: world(team, ...spoken, run({
    do: "apply",
    after: 1_000,
    meanwhile: [{ after: 500, what: { do: "dies", agent: "ada", silently: true } }]
  })),
  approval_unavailable: world(team, ...spoken, run(restart({ policy: "denied" }))),
  lease_held: world(team, ...spoken, run(restart(), restart())),
  team_target_ambiguous: world(team, ...spoken, run({ do: "up", team: "beta" }), run(restart({ team: null }))),
  team_target_unresolved: world(team, ...spoken, run(restart({ team: "gamma" }))),
  team_owner_mismatch: world(team, ...spoken, run(restart({ inside: "ada" }))),
  plugin_rejected: {
    ...world([ada], up, run(restart())),
    wrap: (services, { process }) => restartsIn(services, { providers: new Map() }, process)
  },
  agent_unknown: world(team, ...spoken, run(restart({ agents: ["cyd"] }))),
  nothing_unfinished: world(team, ...spoken, run(restart({ unfinished: "continue" }))),
  usage: {
    ...world([ada], up, run(restart())),
    wrap: (services, { process }) =>
      restartsIn(services, { env: { ...services.env, REPRISE_SESSION_CONVERGE_DEADLINE_MS: "soon" } }, process)
  }
} satisfies Readonly<Record<RestartReport["outcome"], World> & Record<string, World>>

/** What the docs name beside them, and why no restart of a world ends with it. */
const elsewhere: Readonly<Record<string, string>> = {
  unconfirmed: "of send: what was typed was not seen to leave the input line",
  altered: "of send: see messages.test.ts",
  text_refused: "of send: see messages.test.ts",
  team_file_invalid: "of up: a world's team file is not read from text",
  plan_invalid: "of apply: a world's plan is not read from text",
  refused_plan_not_portable: "of apply: a gate of a program's own, which is no policy of a world",
  adopt_refused: "of adopt: what people start in a world is not the world's own team",
  fork_refused: "of fork: the CLI of a world can't",
  agent_not_ours: "of send: what people start in a world is not the world's own team",
  consent_missing: "of plugins: the plugins of a world are its own",
  consent_unknown: "of trust: a world has no user's configuration",
  consent_store_unusable: "of trust: a world has no user's configuration"
}

it.effect("a log that fails in the middle of a restart: the answer names who is stopped, and says that it is unfinished", () =>
  Effect.map(simulation, (sim) => {
    const { ends } = sim.play({ seed: 11, ...world(team, ...spoken, run(restart())) }, (services, { process }) => {
      if (!process.startsWith("restart-")) return services
      let stopped = false
      return {
        ...services,
        log: {
          ...services.log,
          append: (events, options) => {
            if (stopped) return Effect.fail(new EventLogError({ operation: "append", reason: "Full", detail: "The disk is full.", file: null }))
            stopped = events.some((event) => event.type === "agent.stopped")
            return services.log.append(events, options)
          }
        }
      }
    })
    expect(ends.map(({ outcome }) => outcome)).toContain("OperationUnfinished")
  }))

/** By what came of an agent. */
const results = {
  resumed: world(team, ...spoken, run(restart())),
  started: world(team, ...spoken, run(restart({ policy: "fresh" }))),
  skipped: world([ada, { ...agent("bob"), paused: true }], up, say("ada"), run(restart())),
  refused: world(team, ...spoken, lost, run(restart({ policy: "isolated" }))),
  untouched: world(team, ...spoken, run(restart({ agents: ["ada"] }))),
  failed: world(team, ...spoken, breaks, run(restart({ policy: "isolated" }))),
  stopped: world(team, ...spoken, { do: "dies", agent: "bob", silently: false }, breaks, run(restart({ policy: "atomic" })))
} satisfies Readonly<Record<RestartReport["agents"][number]["result"], World>>

/** What a program is told, where an operation ended with an error as where it ended with a report. */
const wireName = (outcome: string): string =>
  /^[A-Z]\w*$/.test(outcome) ? failureDocument(Cause.fail({ _tag: outcome }), "restart").document.outcome : outcome

/** The ends of a world's restarts, and of its plans, before it is looked at what is left. */
const restarts = ({ wrap, ...scenario }: World) =>
  Effect.map(simulation, (sim): ReadonlyArray<CommandEnd> => {
    const { ends, violations } = sim.play({ seed: 11, ...scenario }, wrap)
    expect(violations).toEqual([])
    const over = ends.findIndex(({ command }) => command === "settle")
    return ends.slice(0, over).filter(({ command }) => ["restart", "apply", "plan"].includes(command))
  })

for (const [outcome, played] of Object.entries<World>(outcomes)) {
  it.live(`a restart ends with ${outcome}`, () =>
    Effect.map(restarts(played), (ends) => {
      const names = ends.map((end) => wireName(end.outcome))
      expect(names).toContain(outcome)
      // What became of the other of two is its own matter; one alone ends as it is called.
      if (names.length === 1) expect(names).toEqual([outcome])
      for (const { ok, outcome: name } of ends) expect({ name, ok }).toEqual({ name, ok: ["restarted", "planned"].includes(name) })
    }))
}

for (const [result, played] of Object.entries<World>(results)) {
  it.live(`an agent is ${result}`, () =>
    Effect.map(restarts(played), (ends) => {
      expect(ends.flatMap((end) => Object.values(end.results ?? {}))).toContain(result)
    }))
}

const page = (name: string): string => readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), "utf8")
const between = (text: string, from: string, to: string): string => {
  const start = text.indexOf(from)
  expect({ from, start }).not.toEqual({ from, start: -1 })
  return text.slice(start, text.indexOf(to, start + from.length))
}
const words = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([a-z_]+)`/g)].flatMap(([, word]) => word ?? [])
/** The words of a column of the tables of a text. */
const column = (text: string, at: number): ReadonlyArray<string> =>
  text.split("\n").flatMap((row) => row.startsWith("| `") ? words(row.split("|")[at] ?? "") : [])

it("reaches each outcome that the docs name, or says why no world does", () => {
  const commands = page("commands.md")
  const refusals = between(page("restart.md"), "## Refusals", "The reasons in `details.unresumable`")
  const well = commands.split("\n").filter((row) => /^\| `(restart|apply)` \|/.test(row)).join("\n")
  const others = words(between(commands, "Outcomes that are not well", "\n\n")).filter((word) => !["send", "restart", "down", "next", "trust"].includes(word))
  const named = new Set([...column(refusals, 1), ...words(between(refusals, "Before any of these", "After them")), ...column(well, 2),
    ...words(between(refusals, "After them", ",")), ...others])
  expect(named.size).toBeGreaterThan(20)
  expect([...named].toSorted()).toEqual([...Object.keys(outcomes), ...Object.keys(elsewhere)].toSorted())
})

it("reaches all that the docs say can come of an agent", () => {
  const named = words(between(page("commands.md"), "`result` (`resumed`", ")")).filter((word) => word !== "result")
  expect(named.toSorted()).toEqual(Object.keys(results).toSorted())
})
