// reprise simulate [POLICY…]: plays policies in a scenario, or against the recorded log, and compares what came of them.
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { basename } from "node:path"
import { EventLog, Policy, Simulate, teamState } from "../sdk/index.ts"
import { loadPolicy, WrongUsage } from "./command/policy-file.ts"
import { demandPlaceFor, writePage } from "./command/simulate-file.ts"
import { simulatePage } from "./command/simulate-page.ts"
import { type Compared, simulateTable } from "./command/simulate-table.ts"
import { teamOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

/** The policies of the files, or else what `restart` does by itself. */
const policiesOf = (files: ReadonlyArray<string>) =>
  files.length === 0
    ? Effect.succeed([{ name: "restart", policy: Policy.toTeam<unknown, unknown>(Policy.standard) }])
    : Effect.forEach(files, (file) => Effect.map(loadPolicy(file), (policy) => ({ name: basename(file), policy: Policy.toTeam<unknown, unknown>(policy) })))

const recordedLog = (team: string | undefined) =>
  Effect.gen(function*() {
    const { key } = yield* teamState(team)
    return [...yield* Stream.runCollect((yield* EventLog).read({ team: key }))]
  })

export const verb = defineVerb({
  name: "simulate",
  description: "Plays policies in virtual time, in a scenario or against the recorded log, and compares what comes of them.",
  config: {
    team: teamOption,
    scenario: Options.text("scenario").pipe(
      Options.withPseudoName("FILE"),
      Options.withDescription("The scenario, a YAML file; without it, what the log has of the team is played."),
      Options.optional
    ),
    seeds: Options.integer("seeds").pipe(Options.withPseudoName("N"), Options.withDescription("How many runs; 1000 by default, for a log 1."), Options.optional),
    html: Options.text("html").pipe(Options.withPseudoName("FILE"), Options.withDescription("Also writes one self-contained page with all of them side by side."), Options.optional),
    policies: Args.repeated(Args.text({ name: "policy" }))
  },
  run: ({ html, policies: files, scenario: file, seeds: asked, team }) =>
    Effect.gen(function*() {
      const seeds = Option.getOrElse(asked, () => Option.isSome(file) ? 1000 : 1)
      if (seeds < 1 || seeds > Simulate.seedsAtMost) {
        return yield* new WrongUsage({ detail: `--seeds takes a whole number from 1 to ${Simulate.seedsAtMost}, and ${seeds} is none.` })
      }
      const page = Option.getOrNull(html)
      if (page !== null) yield* demandPlaceFor(page)
      const policies = yield* policiesOf(files)
      const played = Option.isSome(file)
        ? { scenario: yield* Simulate.readScenario(file.value) }
        : { log: yield* recordedLog(Option.getOrUndefined(team)) }
      const startedAt = performance.now()
      const compared = yield* Effect.forEach(policies, ({ name, policy }) =>
        Effect.map(Simulate.run({ policy, seeds, ...played }), (report): Compared => ({ name, ...report })))
      const tookMs = performance.now() - startedAt
      const [first] = compared
      const title = first?.scenario ?? "a scenario"
      if (page !== null) yield* writePage(page, simulatePage(compared, { title, seeds }))
      const runs = seeds * compared.length
      return {
        outcome: "simulated",
        ok: true,
        message: `${runs} ${runs === 1 ? "run" : "runs"} of ${title}` +
          (page === null ? "." : `; the page is ${page}.`),
        next: [],
        scenario: title,
        horizonMs: first?.horizonMs ?? 0,
        seeds,
        tookMs: Math.round(tookMs),
        policies: compared.map(({ name, policy, runs: each, summary }) => ({ name, policy, summary, runs: each })),
        table: simulateTable(compared)
      }
    }),
  human: ({ message, table }) => [message, String(table)].join("\n")
})

runIfStarted(import.meta.url, verb)
