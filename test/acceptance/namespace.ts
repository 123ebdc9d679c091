import { spawn, spawnSync } from "node:child_process"

// A network that has nothing but its own loopback: what a CLI tries to reach beside the mock model does not leave.

const enter = (root: boolean): ReadonlyArray<string> => root ? ["-n"] : ["-r", "-n"]
const loopback = "if command -v ip >/dev/null; then ip link set lo up; else ifconfig lo up; fi && exec \"$@\""
const inside = "REPRISE_TEST_NETWORK"

const wrapped = (argv: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...enter(process.getuid?.() === 0),
  "--",
  "sh",
  "-c",
  loopback,
  "sh",
  ...argv
]

/** What of a network this process has. */
export const network = (): "loopback" | "whole" => process.env[inside] === "loopback" ? "loopback" : "whole"

const canEnter = (): boolean =>
  process.platform === "linux" && spawnSync("unshare", [...wrapped(["true"])], { stdio: "ignore", timeout: 10_000 }).status === 0

/**
 * Runs this program again with these arguments where there is only loopback, and answers with how it ended; null where
 * the machine allows no such thing, or where it has been done.
 */
export const againInside = async (argv: ReadonlyArray<string>): Promise<number | null> => {
  if (network() === "loopback" || !canEnter()) return null
  const child = spawn("unshare", [...wrapped([process.execPath, ...process.execArgv, ...argv])], {
    stdio: "inherit",
    env: { ...process.env, [inside]: "loopback" }
  })
  // What ends this process ends the one that works for it: it has to clean up.
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, pass)
  return await new Promise((done, fail) => {
    child.once("error", fail)
    child.once("exit", (code) => done(code ?? 1))
  })
}
