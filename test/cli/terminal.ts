import * as pty from "@lydell/node-pty"
import { type Box, eventually } from "./box.ts"

/** A terminal of a person's, in which the command runs. */
export const openTerminal = (box: Box, command: string) => {
  let running: pty.IPty | undefined
  let shown = ""
  let over: number | undefined
  const start = (args: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) => {
    shown = ""
    over = undefined
    running = pty.spawn(process.execPath, [command, ...args], { cwd: box.at("work"), env: { ...box.env, TERM: "xterm", ...more }, cols: 200, rows: 50 })
    running.onData((text) => { shown += text })
    running.onExit(({ exitCode }) => { over = exitCode })
    return running
  }
  const shows = (pattern: RegExp) => eventually(`a terminal that shows ${pattern} and not ${shown}`, () => pattern.exec(shown))
  return {
    start,
    shows,
    screen: () => shown,
    write: (text: string) => running?.write(text),
    pid: () => running?.pid ?? 0,
    /** Starts a verb, waits for what it asks, and answers. */
    type: async (args: ReadonlyArray<string>, question: RegExp, answer: string) => {
      start(args)
      await shows(question)
      running?.write(`${answer}\r`)
    },
    /** What was shown in all, with the exit code, once the command has ended. */
    ended: async () => {
      await eventually(`an end of the command, which shows ${shown}`, () => over !== undefined)
      return `${shown}\nexit ${over}`
    },
    close: () => {
      if (over === undefined) running?.kill("SIGKILL")
    }
  }
}
