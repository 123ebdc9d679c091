// What the worker says of itself for others to read: a file a process, as real CLIs keep one. It goes with the process,
// unless that is killed: then it stays, and its pid or start time is nobody's any more.
import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./worker-arguments.mjs"

const directory = join(root, ".processes")
const file = join(directory, `${process.pid}.json`)

const startTicks = () => {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null
  } catch {
    return null
  }
}

let said = ""
/** @type {{ pid: number, started: string | null, cwd: string } | null} */
let self = null

/** @param {string} sessionId @param {string} status */
export const sayOfItself = (sessionId, status) => {
  if (`${sessionId} ${status}` === said) return
  said = `${sessionId} ${status}`
  try {
    if (self === null) {
      self = { pid: process.pid, started: startTicks(), cwd: process.cwd() }
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      process.on("exit", () => {
        try {
          unlinkSync(file)
        } catch {
          // Somebody took it away already.
        }
      })
    }
    writeFileSync(`${file}.new`, JSON.stringify({ ...self, sessionId, status }), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch {
    // It can work without being known.
  }
}
