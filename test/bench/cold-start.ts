import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { median, row } from "./measure.ts"
import { cleanEnvironment, notMeasured, NotMeasured, progress, temporaryDirectory } from "./suite.ts"
import type { Suite } from "./suite.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const hasCommand = existsSync(join(root, "scripts/reprise.ts"))
const runs = 15

/** Builds what the package ships, beside this checkout's own build: nobody's `dist` is touched. */
const built = Effect.acquireRelease(
  Effect.try({
    try: () => {
      const directory = join(root, "node_modules", ".cache", `reprise-bench-${process.pid}`)
      const out = join(directory, "dist")
      mkdirSync(out, { recursive: true })
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        ["--import", "tsx", join(root, "scripts/build/build.ts"), out],
        { cwd: root, encoding: "utf8", env: process.env }
      )
      if (status !== 0) {
        const said = `${stderr}\n${stdout}`.split("\n").filter((text) => /error/i.test(text)).slice(0, 3).join(" ")
        throw new Error(`The build failed: ${said === "" ? stderr.trim().slice(0, 300) : said.trim()}`)
      }
      writeFileSync(join(directory, "package.json"), readFileSync(join(root, "package.json")))
      return { directory, command: join(out, "bin", "reprise.cjs") }
    },
    catch: notMeasured
  }),
  ({ directory }) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const timed = (
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }
): Effect.Effect<number, NotMeasured> =>
  Effect.async((resume) => {
    const started = performance.now()
    const child = spawn(process.execPath, args, { ...options, stdio: ["ignore", "ignore", "pipe"] })
    let errors = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text)
    child.on("error", (error) => resume(notMeasured(error)))
    child.on("exit", (code) => {
      const took = performance.now() - started
      resume(code === 0
        ? Effect.succeed(took)
        : new NotMeasured({ reason: `${args.at(-1) ?? "node"} ended with ${code}: ${errors.trim().slice(0, 300)}` }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** How fast a command and a user's script are there, and what a command takes of memory; floor: node without a task. */
export const coldStart: Suite = {
  names: ["command.cold", "script.cold", "command.rss"],
  measure: (wanted) =>
    Effect.gen(function*() {
      yield* progress("Building the command.")
      const { directory, command } = yield* built
      // A package without a command can still be imported.
      const has = (name: string) => wanted.has(name) && (name === "script.cold" || hasCommand)
      const home = yield* temporaryDirectory
      const options = { cwd: home, env: cleanEnvironment(home) }
      // A user's project with the package installed, and a script that does nothing with it.
      mkdirSync(join(home, "node_modules"))
      symlinkSync(directory, join(home, "node_modules", "reprise"))
      writeFileSync(join(home, "package.json"), "{\"type\": \"module\"}")
      writeFileSync(
        join(home, "script.ts"),
        "import * as reprise from \"reprise\"\nif (Object.keys(reprise).length === 0) process.exit(1)\n"
      )
      const memory = join(home, "memory.cjs")
      writeFileSync(
        memory,
        "process.on(\"exit\", () => require(\"node:fs\").writeFileSync(process.env.BENCH_MEMORY, " +
          "String(process.resourceUsage().maxRSS)))\n"
      )
      const commandArgs = [command, "--help"]
      const scriptArgs = [join(root, "node_modules/tsx/dist/cli.mjs"), join(home, "script.ts")]
      const bareArgs = ["-e", ""]
      yield* progress("Starting the command, a script and a bare node in turn.")
      const times = { bare: new Array<number>(), command: new Array<number>(), script: new Array<number>() }
      // The first start of each writes caches and warms the disk; what people meet is every other one.
      yield* timed(bareArgs, options)
      if (has("command.cold")) yield* timed(commandArgs, options)
      if (has("script.cold")) yield* timed(scriptArgs, options)
      for (let run = 0; run < runs; run++) {
        times.bare.push(yield* timed(bareArgs, options))
        if (has("command.cold")) times.command.push(yield* timed(commandArgs, options))
        if (has("script.cold")) times.script.push(yield* timed(scriptArgs, options))
      }
      const floor = median(times.bare)

      const peak = (args: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const file = join(home, "peak")
          yield* timed(["--require", memory, ...args], { ...options, env: { ...options.env, BENCH_MEMORY: file } })
          return Number(readFileSync(file, "utf8")) / 1024
        })
      const peaks = has("command.rss") ? yield* Effect.replicateEffect(peak(commandArgs), 5) : []
      const barePeaks = has("command.rss") ? yield* Effect.replicateEffect(peak(bareArgs), 5) : []
      return [
        ...(has("command.cold") ? [row("command.cold", "ms", times.command, { floor })] : []),
        ...(has("script.cold") ? [row("script.cold", "ms", times.script, { floor })] : []),
        ...(has("command.rss") ? [row("command.rss", "MiB", peaks, { floor: median(barePeaks) })] : [])
      ]
    })
}
