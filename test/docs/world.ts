// A workspace of its own for each document, with the commands that its examples use on the PATH.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { execFileSync, spawnSync } from "node:child_process"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import * as Effect from "effect/Effect"
import { endProcessTree, readProcess } from "reprise/plugin"
import { compileCache } from "../house/built.ts"
import { type Ran, run } from "../house/clone.ts"
import { root } from "../house/sources.ts"

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0

const node = (...words: ReadonlyArray<string>) => `exec ${[process.execPath, ...words].map((word) => `'${word}'`).join(" ")} "$@"\n`
const tsx = join(root, "node_modules/tsx/dist/loader.mjs")

// `npx` finds what a project has installed; `jq` is asked here for the value at a path only, and need not be there.
const programs = (home: string, command: string): Readonly<Record<string, string>> => ({
  reprise: `echo $$ >> '${join(home, "pids")}'\n${node(command)}`,
  npx: `program=$1; shift
case $program in
  tsx)
    case $1 in scripts/*) script=${root}/$1; shift; set -- "$script" "$@";; esac
    ${node("--conditions=source", "--import", tsx)};;
  vitest) cd '${root}'; shift; ${node(join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", join(home, "vitest.config.ts"))};;
esac
`,
  jq: node("-p", `const [path] = process.argv.slice(1).filter((word) => word !== "-r")
path.split(/[.[\\]]+/).filter(Boolean).reduce((value, name) => value[name], JSON.parse(require("fs").readFileSync(0, "utf8")))`, "--")
})

export interface World {
  readonly work: string
  readonly write: (name: string, text: string, executable?: boolean) => void
  readonly run: (command: string) => Promise<Ran>
  readonly close: () => Promise<void>
}

export const openWorld = (command: string): World => {
  const box = realpathSync(mkdtempSync(join(tmpdir(), "rd-")))
  const at = (...parts: ReadonlyArray<string>) => join(box, ...parts)
  for (const name of ["work", "home", "bin", "run"]) mkdirSync(at(name), { mode: 0o700 })
  const write = (name: string, text: string, executable = false) => {
    writeFileSync(at("work", name), text)
    if (executable) chmodSync(at("work", name), 0o755)
  }
  for (const [name, body] of Object.entries(programs(at("home"), command))) {
    writeFileSync(at("bin", name), `#!/bin/sh\n${body}`, { mode: 0o755 })
  }
  writeFileSync(at("home", "vitest.config.ts"), `import config from ${JSON.stringify(join(root, "vitest.config.ts"))}
export default {
  resolve: config.resolve,
  root: ${JSON.stringify(at("work"))},
  test: { include: ["*.test.ts"], reporters: ["default"], testTimeout: 60_000, hookTimeout: 60_000 }
}
`)
  const env = {
    PATH: [at("bin"), at("work"), process.env["PATH"] ?? ""].join(delimiter),
    HOME: at("home"),
    XDG_RUNTIME_DIR: at("run"),
    TMPDIR: tmpdir(),
    TSX_TSCONFIG_PATH: join(root, "tsconfig.json"),
    NO_COLOR: "1",
    ...compileCache()
  }
  // A checkout, where the documents say that it is.
  symlinkSync(root, at("home", "reprise"))
  const serverPid = (socket: string): number => {
    try {
      const shown = execFileSync("tmux", ["-S", socket, "list-sessions", "-F", "#{pid}"], {
        env: { PATH: process.env["PATH"] ?? "" },
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 10_000
      })
      return Number(shown.toString().split("\n")[0])
    } catch {
      return 0
    }
  }
  /** Commands that were to go on by themselves, and would go on after a failure too; by pid, and only if they are still these. */
  const commands = (): ReadonlyArray<number> => {
    const told = existsSync(at("home", "pids")) ? readFileSync(at("home", "pids"), "utf8").split("\n").filter(Boolean).map(Number) : []
    return told.filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HOME=${at("home")}`)
      } catch {
        return false
      }
    })
  }
  const end = async (pid: number) => {
    const reading = await Effect.runPromise(readProcess(pid))
    if (reading.state === "alive" && reading.startTime !== null) {
      await Effect.runPromise(endProcessTree({ pid, startTime: reading.startTime }, 0))
    }
  }
  /** The servers of this world's own runtime directory and workspace, with all that lives on them. */
  const close = async () => {
    for (const pid of commands()) await end(pid)
    const sockets = readdirSync(at("work")).filter((name) => name.endsWith(".sock")).map((name) => at("work", name))
    for (const socket of [...readdirSync(at("run")).map((directory) => at("run", directory, "tmux")), ...sockets]) {
      const pid = serverPid(socket)
      if (pid !== 0) await end(pid)
    }
    rmSync(box, { recursive: true, force: true, maxRetries: 5 })
  }
  return { work: at("work"), write, run: (line) => run("/bin/sh", ["-c", `${line} 2>&1`], at("work"), env), close }
}
