// reprise up [FILE]: starts the team of a team file, or brings a stopped one back.
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { resolve } from "node:path"
import { ensureRuntime, Launch, LogFile, readTeamFile, Workspace } from "../sdk/index.ts"
import { agentTable } from "./command/agent-table.ts"
import { confirming } from "./command/decisions.ts"
import { stayInForeground } from "./command/foreground.ts"
import { WrongUsage } from "./command/policy-file.ts"
import { choicesOf } from "./command/recorded-transport.ts"
import { standardTransport } from "./command/standard-transport.ts"
import { teamOption, yesOption } from "./command/team-option.ts"
import { writePage } from "./command/team-page.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "up",
  description: "Starts the team of a team file. A team that ran before comes back in its conversations.",
  config: {
    team: teamOption,
    yes: yesOption,
    asNew: Options.boolean("as-new").pipe(
      Options.withDescription("In a copied workspace, or where the log is lost: start a separate team. What was there is kept.")
    ),
    file: Args.text({ name: "file" }).pipe(Args.withDefault("team.yaml"))
  },
  run: ({ asNew, file, team: asked, yes }, { plugins, transport }) =>
    Effect.gen(function*() {
      const paths = yield* Workspace
      const team = yield* readTeamFile(resolve(file), { workspace: paths.root, shownAs: file })
      if (Option.isSome(asked) && asked.value !== team.spec.name) {
        return yield* new WrongUsage({ detail: `${file} is the file of team ${team.spec.name}, not of ${asked.value}.` })
      }
      yield* ensureRuntime(paths)
      const chosen = yield* choicesOf(team.spec.name, { transport, plugins })
      const where = chosen.transport ?? (yield* standardTransport)
      if (where === "tmux" && (yield* standardTransport) !== "tmux") {
        return yield* new WrongUsage({ detail: `Team ${team.spec.name} is to live in tmux, and there is no tmux on the PATH. Install it, or say --transport pty.` })
      }
      const aside = asNew ? yield* LogFile.setAsideForNew(paths) : null
      if (asNew && aside === null) {
        return yield* new WrongUsage({ detail: `${paths.root} is no copy of another workspace, and its log is not lost, so it needs no --as-new.` })
      }
      const report = yield* confirming({ yes }, (interruptBusy) =>
        Launch.up(team, {
          workspace: paths.root,
          transport: where,
          plugins: chosen.plugins,
          copyOf: aside?.teams ?? [],
          interruptBusy
        }))
      yield* writePage(report.team)
      for (const { agent, problem } of report.warnings) {
        process.stderr.write(`Warning: ${agent}: ${problem.replace(/\.$/, "")}.\n`)
      }
      return aside === null ? { ...report } : { ...report, kept: aside.kept, message: `${report.message} What was there before is in ${aside.kept}.` }
    }),
  human: ({ agents, attach, message }) =>
    [message, agentTable(agents), ...typeof attach === "string" ? [`See them: ${attach}`] : []].join("\n"),
  afterwards: ({ team }) => stayInForeground(String(team))
})

runIfStarted(import.meta.url, verb)
