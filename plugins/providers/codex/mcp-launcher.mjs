// Starts an MCP server with the environment that a private file names: node mcp-launcher.mjs FILE COMMAND [ARGUMENT…]
// Its standard streams are the server's own, so that nothing stands between it and Codex.
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import process from "node:process"

const [file = "", command = "", ...args] = process.argv.slice(2)
const own = JSON.parse(readFileSync(file, "utf8"))
const server = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...own } })
process.on("SIGINT", () => server.kill("SIGINT"))
process.on("SIGTERM", () => server.kill("SIGTERM"))
process.on("SIGHUP", () => server.kill("SIGHUP"))
server.once("error", (error) => {
  process.stderr.write(`${command} could not be started: ${error.message}\n`)
  process.exit(127)
})
server.once("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
