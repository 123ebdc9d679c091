// reprise recover: rebuilds a log that is lost or older than what runs. Stops and starts nothing.
import * as Effect from "effect/Effect"
import { LogFile, RepriseLive, Workspace } from "../sdk/index.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

export const verb = defineVerb({
  name: "recover",
  description: "Rebuilds a log that is lost or older than what runs, and says what is certain. Touches no agent.",
  config: {},
  log: () => "unopened",
  run: () =>
    Effect.gen(function*() {
      const paths = yield* Workspace
      const opened = RepriseLive.layer({ workspace: paths.root })
      return { ...yield* LogFile.recover(paths, opened) }
    })
})

runIfStarted(import.meta.url, verb)
