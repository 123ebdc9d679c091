// reprise send AGENT TEXT: a message to an agent; written down first, then typed when the agent was seen to be idle.
import * as Args from "@effect/cli/Args"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Send } from "../sdk/index.ts"
import { WrongUsage } from "./command/policy-file.ts"
import { sameTransport } from "./command/recorded-transport.ts"
import { teamOption } from "./command/team-option.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "send",
  description: "Sends a message to an agent. `accepted` is in the log, `submitted` was seen to leave the input line.",
  config: {
    team: teamOption,
    agent: Args.text({ name: "agent" }),
    text: Args.text({ name: "text" })
  },
  run: ({ agent, team, text }, { transport }) =>
    (text.trim() === ""
      ? new WrongUsage({ detail: "There is no text to send." })
      : sameTransport(Option.getOrUndefined(team), transport)).pipe(
      Effect.zipRight(Send.send(Option.getOrUndefined(team), agent, text)),
      Effect.map((report) => ({ ...report }))
    )
})

runIfStarted(import.meta.url, verb)
