import * as Effect from "effect/Effect"
import type { Key, PaneIdentity, Screen, TransportFailure } from "reprise/plugin"
import { commandLine } from "./control-words.ts"
import { failure } from "./failures.ts"
import type { Ground } from "./Ground.ts"
import { inPane } from "./looking.ts"

// What goes into a pane and what is seen of it.

const namedKeys = new Set([
  "Enter",
  "Up",
  "Down",
  "Left",
  "Right",
  "Tab",
  "BTab",
  "Space",
  "Escape",
  "BSpace",
  "Home",
  "End",
  "PageUp",
  "PageDown"
])

/** The command that presses one key; null when there is no such key. */
export const keyCommand = (pane: string, key: Key): ReadonlyArray<string> | null => {
  if (namedKeys.has(key) || /^C-[a-z]$/.test(key)) return ["send-keys", "-t", pane, key]
  return [...key].length === 1 && key >= " " ? ["send-keys", "-l", "-t", pane, "--", key] : null
}

/** Presses keys, all or none. */
export const pressKeys = Effect.fn("tmux.press")(
  function*(ground: Ground, pane: PaneIdentity, keys: ReadonlyArray<Key>): Effect.fn.Return<void, TransportFailure> {
    const commands: Array<ReadonlyArray<string>> = []
    for (const key of keys) {
      const command = keyCommand(pane.pane, key)
      if (command === null) {
        return yield* failure("press", "Refused", `${JSON.stringify(key)} is not a key; nothing was pressed.`)
      }
      commands.push(command)
    }
    if (commands.length > 0) yield* inPane(ground, "press", pane, commands)
  }
)

/** A line of control mode stays short; longer texts are put together in the buffer, piece by piece. */
const pieceLength = 16 * 1024

/** More than this nobody means to say to an agent. */
const longestText = 8 * 1024 * 1024

const pieces = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let start = 0
  while (start < text.length) {
    let end = Math.min(start + pieceLength, text.length)
    // Not between the halves of a character.
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1
    found.push(text.slice(start, end))
    start = end
  }
  return found
}

let buffers = 0

/**
 * Puts text before the process as one paste. tmux brackets it where the program asked for that, and sends the ends of
 * lines as terminals do, as carriage returns inside the brackets.
 */
export const pasteText = Effect.fn("tmux.paste")(
  function*(ground: Ground, pane: PaneIdentity, text: string): Effect.fn.Return<void, TransportFailure> {
    if (text === "") return
    if (text.length > longestText) {
      return yield* failure("paste", "Refused", `A text of ${text.length} characters is too long; nothing was typed.`)
    }
    if (text.includes("\0")) return yield* failure("paste", "Refused", "The text holds a NUL; nothing was typed.")
    const buffer = `reprise-${process.pid}-${buffers += 1}`
    const fill = pieces(text).map((piece) => commandLine(["set-buffer", "-a", "-b", buffer, "--", piece]))
    yield* inPane(ground, "paste", pane, [["paste-buffer", "-d", "-p", "-b", buffer, "-t", pane.pane]], fill).pipe(
      // What was not pasted is not left behind for others to paste.
      Effect.tapError(() => dropBuffer(ground, buffer))
    )
  }
)

const dropBuffer = (ground: Ground, buffer: string) =>
  ground.home.reach.pipe(
    Effect.flatMap((home) =>
      home._tag === "Up"
        ? home.connection.exchange([{ line: commandLine(["delete-buffer", "-b", buffer]), complete: () => true }])
        : Effect.void
    ),
    Effect.ignore
  )

/** Ends any mode that keeps keys from the process. */
export const leavePaneModes = (ground: Ground, pane: PaneIdentity): Effect.Effect<void, TransportFailure> =>
  Effect.asVoid(inPane(ground, "leaveModes", pane, [["copy-mode", "-q", "-t", pane.pane]]))

/** Ctrl-C, as a terminal sends it. */
export const interruptPane = (ground: Ground, pane: PaneIdentity): Effect.Effect<void, TransportFailure> =>
  Effect.asVoid(inPane(ground, "interrupt", pane, [["send-keys", "-t", pane.pane, "C-c"]]))

/** What is on the screen now. */
export const capturePane = Effect.fn("tmux.capture")(
  function*(ground: Ground, pane: PaneIdentity): Effect.fn.Return<Screen, TransportFailure> {
    const fields = "#{pane_id} #{cursor_y} #{cursor_x} #{pane_width} #{pane_height} #{pane_title}"
    const [facts, lines] = yield* inPane(ground, "capture", pane, [
      ["list-panes", "-t", pane.pane, "-f", `#{==:#{pane_id},${pane.pane}}`, "-F", fields],
      ["capture-pane", "-p", "-t", pane.pane]
    ])
    const match = /^%\d+ (\d+) (\d+) (\d+) (\d+) (.*)$/.exec(facts?.[0] ?? "")
    // A program may print what looks like the end of an answer: then the lines don't add up.
    if (match === null || lines === undefined || lines.length !== Number(match[4])) {
      return yield* failure("capture", "Unreachable", `The screen of ${pane.pane} could not be read whole.`)
    }
    const trimmed = lines.map((line) => line.trimEnd())
    while (trimmed.at(-1) === "") trimmed.pop()
    return {
      lines: trimmed,
      title: match[5] ?? "",
      cursor: { row: Number(match[1]), column: Number(match[2]) },
      size: { columns: Number(match[3]), rows: Number(match[4]) }
    }
  }
)
