import * as Effect from "effect/Effect"
import { encodeMark, type WorkspaceMark } from "./address.ts"
import type { AskClient } from "./asking.ts"
import { Unanswered } from "./failures.ts"
import { keeperCommand, type PaneRow, sessionOption, windowSize } from "./panes.ts"

// How a server is started, and what it carries.

/** The name of the session that the transport makes. A user may give it another. */
export const sessionName = "reprise"

const serverOptions: ReadonlyArray<ReadonlyArray<string>> = [
  ["set-option", "-s", "exit-empty", "off"],
  ["set-option", "-g", "destroy-unattached", "off"],
  ["set-option", "-g", "remain-on-exit", "off"],
  ["set-option", "-g", "set-titles", "off"],
  ["set-option", "-g", "allow-rename", "off"],
  ["set-option", "-g", "automatic-rename", "off"],
  ["set-option", "-g", "history-limit", "20000"],
  ["set-option", "-g", "default-size", `${windowSize.columns}x${windowSize.rows}`],
  ["set-option", "-g", "default-terminal", "screen-256color"],
  // A person who attaches must not bring an environment along.
  ["set-option", "-g", "update-environment", ""]
]

/** The options of a server that tell which workspace it belongs to. */
export const idOption = "@reprise_workspace_id"
export const placeOption = "@reprise_workspace"

/** Starts the server, or only our session in it. Whoever is second finds it made. */
export const startServer = Effect.fnUntraced(function*(
  client: AskClient,
  at: string,
  taken: ReadonlyArray<PaneRow>,
  mark: WorkspaceMark
) {
  const names = new Set(taken.map(({ session }) => session))
  let name = sessionName
  for (let count = 2; names.has(name); count += 1) name = `${sessionName}-${count}`
  const answer = yield* client({
    socket: at,
    starts: true,
    commands: [
      ["new-session", "-d", "-E", "-s", name, "-n", "keeper", "-c", "/", "-x", `${windowSize.columns}`, "-y", `${windowSize.rows}`, ...keeperCommand],
      ["set-option", "-t", name, sessionOption, "1"],
      ...mark.id === null ? [] : [["set-option", "-s", idOption, mark.id]],
      ["set-option", "-s", placeOption, encodeMark(mark)],
      ...serverOptions
    ]
  })
  if (answer.ok || answer.complaint.includes("duplicate session")) return
  return yield* new Unanswered({ detail: `tmux did not start: ${answer.complaint}` })
})
