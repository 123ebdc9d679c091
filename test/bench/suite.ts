import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { mkdtempSync, mkdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Row } from "./measure.ts"

/** Rows that can't be measured here; the others go on. */
export class NotMeasured extends Data.TaggedError("NotMeasured")<{ readonly reason: string }> {
  override get message(): string {
    return this.reason
  }
}

/** Where a progress sentence goes. */
export class Progress extends Context.Tag("bench/Progress")<Progress, (sentence: string) => void>() {}

/** Rows that are measured together, because they share their ground or each other's floor. */
export interface Suite {
  readonly names: ReadonlyArray<string>
  /** Whether it is measured without being asked for by name; it is, unless this says otherwise. */
  readonly byDefault?: () => boolean
  readonly measure: (wanted: ReadonlySet<string>) => Effect.Effect<
    ReadonlyArray<Row>,
    NotMeasured,
    Progress | Scope.Scope
  >
}

export const progress = (sentence: string) => Effect.map(Progress, (say) => say(sentence))

/** A failure of anything under the bench, as the reason why its rows are missing. */
export const notMeasured = (cause: unknown): NotMeasured =>
  new NotMeasured({ reason: cause instanceof Error ? cause.message : String(cause) })

/** A short directory of our own (sockets live in it), gone with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "rb-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

/** The environment of what is measured: nothing of the person's own tmux, home or Reprise. Sockets go into `tmp`. */
export const cleanEnvironment = (directory: string): Readonly<Record<string, string>> => {
  const [home, tmp] = [join(directory, "home"), join(directory, "tmp")]
  mkdirSync(home, { recursive: true })
  mkdirSync(tmp, { recursive: true })
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: home,
    TMPDIR: tmp,
    LANG: "C.UTF-8",
    TERM: "xterm-256color"
  }
}
