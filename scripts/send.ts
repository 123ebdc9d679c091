// reprise send AGENT TEXT: a message to an agent; written down first, then typed when the agent was seen to be idle.
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Send } from "../sdk/index.ts"
import { messageText } from "./command/message-text.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { teamOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "send",
  description: "Sends a message to an agent. `accepted` is in the log, `submitted` was seen to leave the input line.",
  config: {
    team: teamOption,
    file: Options.text("file").pipe(
      Options.withPseudoName("FILE"),
      Options.withDescription("Takes the text from this file."),
      Options.optional
    ),
    raw: Options.boolean("raw").pipe(
      Options.withDescription("Types the text as it is, although the agent's CLI may read it as a command.")
    ),
    agent: Args.text({ name: "agent" }),
    text: Args.text({ name: "text" }).pipe(
      Args.withDescription("The text; - takes it from standard input."),
      Args.optional
    )
  },
  run: ({ agent, file, raw, team, text }, { transport }) =>
    Effect.gen(function*() {
      const said = yield* messageText({ text, file })
      yield* sameTransport(Option.getOrUndefined(team), transport)
      const report = yield* Send.send(Option.getOrUndefined(team), agent, said, "leader", { raw })
      return { ...report }
    })
})

runIfStarted(import.meta.url, verb)
