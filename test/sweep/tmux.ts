import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { openConnection } from "../../plugins/transports/tmux/ControlConnection.ts"
import { withControlLock } from "../../plugins/transports/tmux/control-lock.ts"

// Many commands at the same time, for hours if need be: does the tmux server live? Not part of the tests.
// npm run sweep:tmux -- [--status ROUNDS] [--send ROUNDS] [--control ROUNDS] [--at-once N] [--reprise LAUNCHER] [--no-kills]

const { values } = parseArgs({
  options: {
    status: { type: "string", default: "0" },
    send: { type: "string", default: "0" },
    control: { type: "string", default: "0" },
    "at-once": { type: "string", default: "8" },
    reprise: { type: "string" },
    "no-kills": { type: "boolean", default: false }
  }
})
const atOnce = Number(values["at-once"])
const root = realpathSync(mkdtempSync(join(tmpdir(), "sw-")))
const at = (...names: ReadonlyArray<string>) => join(root, ...names)
for (const name of ["home", "run", "tmp", "work"]) mkdirSync(at(name), { mode: 0o700 })
const env = { PATH: process.env["PATH"] ?? "", HOME: at("home"), XDG_RUNTIME_DIR: at("run"), TMPDIR: at("tmp") }
const source = fileURLToPath(new URL("../../scripts/reprise.ts", import.meta.url))
const words = values.reprise === undefined
  ? ["--conditions=source", "--import", import.meta.resolve("tsx"), source]
  : [values.reprise]

const start = (...args: ReadonlyArray<string>): ChildProcess =>
  spawn(process.execPath, [...words, ...args], { cwd: at("work"), env, stdio: "ignore" })

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once("exit", resolve))

const tmux = (socket: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("tmux", ["-S", socket, ...args], { env, stdio: ["ignore", "pipe", "ignore"] }).toString().trim()

const serverAt = (socket: string): string => {
  try {
    return tmux(socket, "display-message", "-p", "#{pid}")
  } catch {
    return "gone"
  }
}

const report = (what: string, rounds: number, lost: number, since: number) =>
  process.stdout.write(`${what}: ${rounds} rounds of ${atOnce}, ${lost} servers lost, ${Math.round((Date.now() - since) / 1000)} s\n`)

/** Rounds of concurrent commands; one of them is killed in each. */
const commands = async (rounds: number, what: "status" | "send") => {
  if (rounds === 0) return
  writeFileSync(at("work", "team.yaml"), "name: sweep\ndefaults: { provider: fake }\nagents: { one: {}, two: {} }\n")
  if (await ended(start("up")) !== 0) throw new Error("the team did not start")
  const since = Date.now()
  const told: unknown = JSON.parse(execFileSync("cat", [at("work/.reprise/plugins/transport-tmux/server.json")]).toString())
  const socket = typeof told === "object" && told !== null && "socket" in told ? String(told.socket) : ""
  let server = serverAt(socket)
  let lost = 0
  for (let round = 0; round < rounds; round += 1) {
    const running = Array.from({ length: atOnce }, (_, index) =>
      what === "status" ? start("status") : start("send", index % 2 === 0 ? "one" : "two", `message ${round}.${index}`))
    const ends = Promise.all(running.map(ended))
    const victim = setTimeout(() => void running[round % atOnce]?.kill("SIGKILL"), 100 + (round * 37) % 900)
    if (values["no-kills"]) clearTimeout(victim)
    await ends
    clearTimeout(victim)
    if (serverAt(socket) === server) continue
    lost += 1
    await ended(start("restart", "--dead", "--yes"))
    server = serverAt(socket)
  }
  report(what, rounds, lost, since)
  await ended(start("down"))
}

/** Rounds of control clients that attach, list panes, wait a little, and leave, as a process with events does. */
const control = async (rounds: number) => {
  if (rounds === 0) return
  const since = Date.now()
  const socket = at("run", "bare")
  const begin = () => tmux(socket, "-f", "/dev/null", "new-session", "-d", "-s", "reprise", "sleep 86400", ";", "new-window", "-d", "sleep 86400")
  begin()
  let server = serverAt(socket)
  let lost = 0
  const locked = withControlLock(at("run", "control.lock"), 60_000)
  const visit = Effect.gen(function*() {
    const connection = yield* locked(openConnection({ tmux: "tmux", socket, session: "=reprise", env, timeoutMs: 60_000 }))
    yield* connection.exchange([{ line: "list-panes -a", complete: () => true }])
    yield* Effect.sleep(Math.floor(Math.random() * 10) * 10)
    yield* locked(connection.close("done"))
  })
  for (let round = 0; round < rounds; round += 1) {
    await Effect.runPromise(Effect.ignore(Effect.all(Array.from({ length: atOnce }, () => visit), { concurrency: "unbounded" })))
    if (serverAt(socket) === server) continue
    lost += 1
    begin()
    server = serverAt(socket)
  }
  report("control", rounds, lost, since)
  tmux(socket, "kill-server")
}

const main = async () => {
  await control(Number(values.control))
  await commands(Number(values.status), "status")
  await commands(Number(values.send), "send")
}

void main().then(
  () => rmSync(root, { recursive: true, force: true }),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\nLeft in ${root}.\n`)
    process.exitCode = 1
  }
)
