// reprise recover: rebuilds a log that is lost or older than what runs. Stops and starts nothing.
import * as Effect from "effect/Effect"
import { LogFile, RepriseLive, Workspace } from "../sdk/index.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "recover",
  description: "Rebuilds a log that is lost or older than what runs, and says what is certain. Touches no agent.",
  config: {},
  log: () => "unopened",
  run: (_, { consent }) =>
    Effect.gen(function*() {
      const paths = yield* Workspace
      // What is remembered in the log that it opens may run by stored consent, and by the options of this command.
      const opened = RepriseLive.commandLayer({ workspace: paths.root, log: "opened", consent: { ...consent, ask: null } })
      return { ...yield* LogFile.recover(paths, opened) }
    })
})

runIfStarted(import.meta.url, verb)
