// reprise adopt: makes a team of agents that a person started by hand. Touches none of them.
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Adopt, ensureRuntime, Workspace } from "../sdk/index.ts"
import { columns } from "./command/agent-table.ts"
import type { Document } from "./command/document.ts"
import { WrongUsage } from "./command/policy-file.ts"
import { standardTransport } from "./command/standard-transport.ts"
import { writePage } from "./command/team-page.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

const pidsIn = (words: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<number> | undefined, WrongUsage> => {
  const named = words.flatMap((word) => word.split(",")).filter((word) => word !== "")
  const wrong = named.find((word) => !/^[1-9]\d{0,9}$/.test(word))
  return wrong !== undefined
    ? new WrongUsage({ detail: `${JSON.stringify(wrong)} is not the number of a process.` })
    : Effect.succeed(named.length === 0 ? undefined : named.map(Number))
}

const age = (ms: number | null): string => {
  if (ms === null) return ""
  const minutes = Math.floor(ms / 60_000)
  return minutes < 1 ? "just started" : minutes < 120 ? `${minutes} min old` : minutes < 2880 ? `${Math.floor(minutes / 60)} h old` : `${Math.floor(minutes / 1440)} days old`
}

const table = ({ agents, leftOut }: Pick<Adopt.AdoptReport, "agents" | "leftOut">): string => [
  columns(agents.map((agent) => [
    agent.id, `pid ${agent.pid}`, agent.where, age(agent.ageMs), agent.cwd, `session ${agent.session}`, agent.evidence
  ])),
  ...leftOut.map(({ pid, provider, reason }) => `  left out: process ${pid}${provider === null ? "" : ` (${provider})`}: ${reason}`)
].filter((line) => line !== "").join("\n")

const toDocument = (report: Adopt.AdoptReport): Document => ({ ...report, table: table(report) })

export const verb = defineVerb({
  name: "adopt",
  description: "Makes a team of agents that you started by hand, below the workspace. Touches none of them.",
  config: {
    as: Options.text("as").pipe(Options.withPseudoName("NAME"), Options.withDescription("The team's name; the directory's by default."), Options.optional),
    only: Options.text("only").pipe(
      Options.withPseudoName("PID"),
      Options.withDescription("Only this process, by its pid; more pids may follow it. May be given more than once."),
      Options.repeated
    ),
    all: Options.boolean("all").pipe(Options.withDescription("Also agents that are not below the workspace.")),
    dryRun: Options.boolean("dry-run").pipe(Options.withDescription("Show what would be adopted; write nothing.")),
    pids: Args.text({ name: "pid" }).pipe(Args.repeated)
  },
  run: ({ all, as, dryRun, only, pids }, { plugins, transport }) =>
    Effect.gen(function*() {
      const named = yield* pidsIn([...only, ...pids])
      yield* Adopt.demandName(Option.getOrUndefined(as))
      const paths = yield* Workspace
      const options = {
        workspace: paths.root,
        transport: transport ?? (yield* standardTransport),
        plugins,
        everywhere: all,
        ...Option.isSome(as) ? { name: as.value } : {},
        ...named === undefined ? {} : { only: named }
      }
      if (dryRun) return toDocument(yield* Adopt.look(options))
      yield* ensureRuntime(paths)
      const report = yield* Adopt.adopt(options)
      if (report.team !== null) yield* writePage(report.team)
      return toDocument(report)
    }),
  human: ({ message, table: shown }) => [message, ...typeof shown === "string" && shown !== "" ? [shown] : []].join("\n")
})

runIfStarted(import.meta.url, verb)
