// reprise log: the events, one JSON object a line.
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AgentId, EventLog, logLine, TeamKey, teamState } from "../sdk/index.ts"
import { copyLog } from "./command/log-copies.ts"
import { write } from "./command/output.ts"
import { WrongUsage } from "./command/policy-file.ts"
import { teamOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

const named = <A>(schema: Schema.Schema<A, string>, what: string, value: Option.Option<string>) =>
  Option.match(value, {
    onNone: () => Effect.succeed(undefined),
    onSome: (text) =>
      Effect.mapError(Schema.decode(schema)(text), () => new WrongUsage({ detail: `${JSON.stringify(text)} is not the name of ${what}.` }))
  })

export const verb = defineVerb({
  name: "log",
  description: "Prints the event log, one JSON object a line; --follow goes on with what comes. `export FILE` and `import FILE` back it up.",
  config: {
    team: teamOption,
    agent: Options.text("agent").pipe(Options.withPseudoName("ID"), Options.withDescription("Only events of this agent."), Options.optional),
    type: Options.text("type").pipe(Options.withPseudoName("TYPE"), Options.withDescription("Only events of this type. May be given more than once."), Options.repeated),
    since: Options.integer("since").pipe(Options.withPseudoName("POSITION"), Options.withDescription("Only events after this position."), Options.withDefault(0)),
    older: Options.boolean("older").pipe(Options.withDescription("With import: also a log that is older than, or another than, this workspace's.")),
    follow: Options.boolean("follow").pipe(Options.withDescription("Wait for more, until interrupted.")),
    words: Args.text({ name: "export|import FILE" }).pipe(Args.repeated)
  },
  plugins: "reported",
  log: ({ words }) => words[0] === "import" ? "unopened" : "opened",
  silent: ({ words }) => words.length === 0,
  run: ({ agent, follow, older, since, team, type, words }, { consent }) =>
    Effect.gen(function*() {
      if (words.length > 0) return yield* copyLog(words, { consent, older })
      const log = yield* EventLog
      const teamKey = yield* named(TeamKey, "a team", team)
      if (teamKey !== undefined) yield* teamState(teamKey)
      const agentId = yield* named(AgentId, "an agent", agent)
      const wanted = new Set<string>(type)
      const options = {
        after: since,
        ...teamKey === undefined ? {} : { team: teamKey },
        ...agentId === undefined ? {} : { agent: agentId }
      }
      const entries = follow ? log.follow(options) : log.read(options)
      yield* entries.pipe(
        Stream.filter((entry) => wanted.size === 0 || (entry._tag === "Event" && wanted.has(entry.event.type))),
        Stream.runForEach((entry) => write("stdout", `${logLine(entry)}\n`)),
        Effect.catchTag("ReaderGone", () => Effect.void)
      )
      return { outcome: "ok", ok: true, message: "", next: [] }
    })
})

runIfStarted(import.meta.url, verb)
