import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import { LogFile, RepriseLive, Workspace } from "../../sdk/index.ts"
import type { CommandConsent } from "./plugin-report.ts"
import { WrongUsage } from "./policy-file.ts"

interface Choices {
  readonly older: boolean
  readonly consent: CommandConsent
}

/** `log export FILE` and `log import FILE`. */
export const copyLog = (words: ReadonlyArray<string>, { consent, older }: Choices) =>
  Effect.gen(function*() {
    const [what, name, ...rest] = words
    if ((what !== "export" && what !== "import") || name === undefined || rest.length > 0) {
      return yield* new WrongUsage({ detail: "log takes no words but export FILE and import FILE." })
    }
    const paths = yield* Workspace
    const file = resolve(name)
    if (what === "export") {
      const position = yield* LogFile.exportTo(paths, file)
      return { outcome: "exported", ok: true, message: `${file} holds the log up to position ${position}.`, next: [], file, position }
    }
    const host = RepriseLive.commandLayer({ workspace: paths.root, log: "unopened", consent: { ...consent, ask: null } })
    const running = yield* Effect.provide(LogFile.runningBeside(paths, file), host)
    if (running.length > 0) {
      return {
        outcome: "failed",
        ok: false,
        message: `Agents run, or whether they run is unknown: ${running.join("; ")}. Nothing was changed. Stop them first.`,
        next: ["reprise down"],
        running
      }
    }
    const { kept, position } = yield* LogFile.importFrom(paths, file, { older })
    return {
      outcome: "imported",
      ok: true,
      message: `The log is that of ${file}, up to position ${position}. What was there before is in ${kept}.`,
      next: ["reprise status"],
      file,
      position,
      kept
    }
  })
