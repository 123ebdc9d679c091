import * as Effect from "effect/Effect"
import type { Key, PaneIdentity, Screen, TransportFailure } from "reprise/plugin"
import { failure } from "./failures.ts"
import type { Ground } from "./Ground.ts"
import { inPane } from "./looking.ts"
import { sizeCommand, windowSize } from "./panes.ts"

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

/** More than this nobody means to say to an agent. */
const longestText = 8 * 1024 * 1024

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
    yield* inPane(ground, "paste", pane, [["paste-buffer", "-d", "-p", "-b", buffer, "-t", pane.pane]], { name: buffer, text })
      .pipe(
        // What was not pasted is not left behind for others to paste.
        Effect.tapError(() => Effect.ignore(ground.home.ask({ commands: [["delete-buffer", "-b", buffer]] })))
      )
  }
)

/** Ends any mode that keeps keys from the process. */
export const leavePaneModes = (ground: Ground, pane: PaneIdentity): Effect.Effect<void, TransportFailure> =>
  Effect.asVoid(inPane(ground, "leaveModes", pane, [["copy-mode", "-q", "-t", pane.pane]]))

/** Ctrl-C, as a terminal sends it. */
export const interruptPane = (ground: Ground, pane: PaneIdentity): Effect.Effect<void, TransportFailure> =>
  Effect.asVoid(inPane(ground, "interrupt", pane, [["send-keys", "-t", pane.pane, "C-c"]]))

/** Smaller than this, a CLI shows too little of itself to be read. */
const least = { columns: 60, rows: 16 }

/** How long a program may take to draw itself again after its screen changed its size. */
const redrawMs = 250

const captureOnce = Effect.fnUntraced(function*(ground: Ground, pane: PaneIdentity) {
  const fields = "#{pane_id} #{cursor_y} #{cursor_x} #{pane_width} #{pane_height} #{window_id} #{window-size} #{pane_title}"
  const [facts, lines] = yield* inPane(ground, "capture", pane, [
    ["list-panes", "-t", pane.pane, "-f", `#{==:#{pane_id},${pane.pane}}`, "-F", fields],
    ["capture-pane", "-p", "-t", pane.pane]
  ])
  const match = /^%\d+ (\d+) (\d+) (\d+) (\d+) (@\d+) (\S+) (.*)$/.exec(facts?.[0] ?? "")
  const [, row, column, columns, rows, window, sizing, title] = match ?? []
  // A program may print what looks like the end of an answer: then the lines don't add up.
  if (window === undefined || lines === undefined || lines.length !== Number(rows)) {
    return yield* failure("capture", "Unreachable", `The screen of ${pane.pane} could not be read whole.`)
  }
  const trimmed = lines.map((line) => line.trimEnd())
  while (trimmed.at(-1) === "") trimmed.pop()
  const size = { columns: Number(columns), rows: Number(rows) }
  const screen: Screen = { lines: trimmed, title: title ?? "", cursor: { row: Number(row), column: Number(column) }, size }
  return { screen, window, followsClients: sizing !== "manual", tooSmall: size.columns < least.columns || size.rows < least.rows }
})

/**
 * What is on the screen now. A window that has the size of a client that came to look at it, or is too small to be read,
 * gets its own size back first: what is read must not depend on who looks.
 */
export const capturePane = Effect.fn("tmux.capture")(
  function*(ground: Ground, pane: PaneIdentity): Effect.fn.Return<Screen, TransportFailure> {
    const found = yield* captureOnce(ground, pane)
    if (!found.followsClients && !found.tooSmall) return found.screen
    yield* Effect.ignore(inPane(ground, "capture", pane, [sizeCommand(found.window)]))
    const { columns, rows } = found.screen.size ?? least
    if (columns === windowSize.columns && rows === windowSize.rows) return found.screen
    yield* Effect.sleep(redrawMs)
    return (yield* captureOnce(ground, pane)).screen
  }
)
