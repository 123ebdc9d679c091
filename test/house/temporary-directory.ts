import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Gives a test run a temporary directory of its own, and takes it away with all that tests left in it. */
export default () => {
  const before = process.env["TMPDIR"]
  // Short, for the sockets in it.
  const directory = mkdtempSync(join(tmpdir(), "rt-"))
  process.env["TMPDIR"] = directory
  return () => {
    if (before === undefined) delete process.env["TMPDIR"]
    else process.env["TMPDIR"] = before
    rmSync(directory, { recursive: true, force: true })
  }
}
