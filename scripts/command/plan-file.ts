import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { resolve } from "node:path"
import { Restart, type RestartPlan } from "../../sdk/index.ts"
import type { Document } from "./document.ts"
import { word } from "./restart-options.ts"

/** The file of a plan could not be written or read; nothing was touched. */
export class PlanFileFailed extends Schema.TaggedError<PlanFileFailed>("reprise/PlanFileFailed")("PlanFileFailed", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.detail.replace(/\.*$/, "")}. No process was touched.`
  }
}

/** Writes a plan for its owner alone, whole or not at all. */
export const writePlan = (file: string, document: Restart.PlanDocument) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = resolve(file)
    const draft = `${path}.${randomUUID()}.tmp`
    yield* Effect.scoped(Effect.gen(function*() {
      const opened = yield* files.open(draft, { flag: "wx", mode: 0o600 })
      yield* opened.writeAll(new TextEncoder().encode(Restart.textOfDocument(document)))
      yield* opened.sync
    })).pipe(
      Effect.zipRight(files.rename(draft, path)),
      Effect.onError(() => Effect.ignore(files.remove(draft))),
      Effect.mapError((error) => new PlanFileFailed({ file: path, detail: `The plan could not be written to ${path} (${error.message})` }))
    )
    return path
  })

/** Reads a plan that was written by `restart --plan-out`. */
export const readPlan = (file: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const text = yield* files.readFileString(resolve(file)).pipe(
      Effect.mapError((error) => new PlanFileFailed({ file, detail: `The plan ${file} could not be read (${error.message})` }))
    )
    return yield* Restart.parseDocument(text)
  })

/** What writing a plan down is answered with. One that is refused is not written. */
export const writtenPlan = (file: string, plan: RestartPlan<unknown, unknown>, command: string, document: Document) =>
  Effect.gen(function*() {
    if (!document.ok) return { ...document, message: `${document.message} No plan was written.` }
    const written = Restart.documentOf(plan, { command })
    const path = yield* writePlan(file, written)
    return {
      ...document,
      message: `The plan for team ${plan.team.key} is in ${path}; nothing was touched.` +
        `${written.portable ? "" : ` Only the command that made it can carry it out, since no file can hold this: ${written.notPortable.join("; ")}.`}`,
      next: [written.portable ? `reprise apply ${word(file)}` : command],
      file: path
    }
  })
