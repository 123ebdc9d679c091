import type { ProcessExit } from "../domain/pane.ts"
import type { Key, SpawnRequest } from "../plugin/transport-driver.ts"

/** What a program in memory does to its own world. Everything happens at once and in order. */
export interface ProgramIo {
  readonly pid: number
  /** Appends to the screen; a newline begins a new line. */
  readonly write: (text: string) => void
  /** Replaces the whole screen. */
  readonly screen: (lines: ReadonlyArray<string>) => void
  readonly title: (text: string) => void
  readonly exit: (exit: number | ProcessExit) => void
  /** Calls back when the world's clock has moved that far and the program still runs. */
  readonly after: (millis: number, then: () => void) => void
  /** Starts a child that does nothing and lives until it is stopped; answers with its pid. */
  readonly child: () => number
}

/** What a program does when something is done to it. What it leaves out has no effect. */
export interface ProgramHandlers {
  readonly onPaste?: (text: string) => void
  readonly onKey?: (key: Key) => void
  readonly onInterrupt?: () => void
  /** Asked to end. `ignores` makes the transport wait the grace time and then kill it. */
  readonly onStop?: () => "ends" | "ignores"
}

/** A program of the world in memory: a small state machine in place of a process. */
export type MemoryProgram = (spawn: SpawnRequest, io: ProgramIo) => ProgramHandlers

/** Prints `ready>`, and says again whatever line it is given. */
export const echoProgram: MemoryProgram = (_spawn, io) => {
  let draft = ""
  io.write("ready> ")
  return {
    onPaste: (text) => {
      draft += text
      io.write(text)
    },
    onKey: (key) => {
      if (key === "Enter") {
        io.write(`\necho: ${draft}\nready> `)
        draft = ""
      } else if (key === "Space" || [...key].length === 1) {
        const typed = key === "Space" ? " " : key
        draft += typed
        io.write(typed)
      }
    },
    onInterrupt: () => io.exit({ code: null, signal: 2 })
  }
}
