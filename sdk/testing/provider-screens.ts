import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import type { ScreenState } from "../plugin/provider-screen.ts"
import type { Screen } from "../plugin/transport-driver.ts"

/** A screen that was recorded from the real program, and what has to be read from it. */
export interface RecordedScreen {
  readonly file: string
  readonly expected: ScreenState
  readonly screen: Screen
  /** Left out: not checked. */
  readonly draft?: string | null
  readonly startupPrompt?: string
}

const states: ReadonlyArray<ScreenState> = ["starting", "idle", "busy", "awaiting_approval", "error", "unknown"]

const header = /^# (title|cursor|draft|prompt): ?(.*)$/

/**
 * Reads one recording, `STATE--WHAT.txt`. It may begin with lines `# title: …`, `# cursor: ROW,COLUMN`, `# draft: TEXT`
 * (`none` where it can't be told, nothing after the colon for an empty one) and `# prompt: NAME`; the screen follows.
 */
export const parseRecordedScreen = (file: string, content: string): RecordedScreen | null => {
  const expected = states.find((state) => file.startsWith(`${state}--`))
  if (expected === undefined) return null
  const lines = content.split(/\r?\n/)
  const said = new Map<string, string>()
  for (let match = header.exec(lines[0] ?? ""); match !== null; match = header.exec(lines[0] ?? "")) {
    said.set(match[1] ?? "", match[2] ?? "")
    lines.shift()
  }
  while (lines.length > 0 && (lines.at(-1) ?? "").trim() === "") lines.pop()
  const [row, column] = (said.get("cursor") ?? `${Math.max(0, lines.length - 1)},0`).split(",").map(Number)
  const draft = said.get("draft")
  const prompt = said.get("prompt")
  return {
    file,
    expected,
    screen: { lines, title: said.get("title") ?? "", cursor: { row: row ?? 0, column: column ?? 0 } },
    ...(draft === undefined ? {} : { draft: draft === "none" ? null : draft }),
    ...(prompt === undefined ? {} : { startupPrompt: prompt })
  }
}

/** All recordings of a directory, by name. A file whose name begins with no state is a mistake, not a comment. */
export const recordedScreens = (directory: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const names = (yield* files.readDirectory(directory)).filter((name) => name.endsWith(".txt")).sort()
    return yield* Effect.forEach(names, (name) =>
      files.readFileString(path.join(directory, name)).pipe(
        Effect.map((content) => parseRecordedScreen(name, content)),
        Effect.filterOrDieMessage((recorded) => recorded !== null, `${name} begins with no state and "--".`)
      ))
  })
