import * as Effect from "effect/Effect"
import { fork } from "node:child_process"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { kindOf, mutants, simulation, type SimulationFailure, type WorldKind, worldKinds } from "../../sdk/testing/simulation/simulate.ts"

const usage = "npm run sim -- --worlds N [--from SEED] [--kind KIND] [--jobs N] [--json] | --replay SEED [--json] | --mutants [--among N] [--json]"

const wrongUsage = (what: string): never => {
  console.error(`${what.replace(/\.*$/, "")}. Nothing was played.\nUsage: ${usage}`)
  process.exit(2)
}

const whole = (name: string, text: string | undefined, standard: number, lowest: number): number => {
  if (text === undefined) return standard
  const number = /^\d+$/.test(text) ? Number(text) : NaN
  // Beyond these numbers one seed would be played for another.
  if (Number.isSafeInteger(number) && number >= lowest) return number
  return wrongUsage(`--${name} is ${JSON.stringify(text)}, which is no whole number from ${lowest} to ${Number.MAX_SAFE_INTEGER}`)
}

const asked = () => {
  try {
    return parseArgs({
      tokens: true,
      options: {
        worlds: { type: "string" },
        from: { type: "string" },
        jobs: { type: "string" },
        kind: { type: "string" },
        among: { type: "string" },
        replay: { type: "string" },
        mutants: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        part: { type: "boolean", default: false }
      }
    })
  } catch (error) {
    return wrongUsage((error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "")
  }
}

const { tokens, values } = asked()

const given = tokens.flatMap((token) => token.kind === "option" ? token.name : [])
const twice = given.find((name, index) => given.indexOf(name) !== index)
if (twice !== undefined) wrongUsage(`--${twice} is there twice`)

/** What is asked for, and what may be said with it. */
const mode = values.replay !== undefined ? "replay" : values.mutants ? "mutants" : "worlds"
const goesWith = { replay: ["replay", "json"], mutants: ["mutants", "among", "json"], worlds: ["worlds", "from", "kind", "jobs", "json", "part"] }[mode]
const foreign = given.find((name) => !goesWith.includes(name))
if (foreign !== undefined) wrongUsage(`--${foreign} does not go with --${mode}`)

const worlds = whole("worlds", values.worlds, 1_000, 1)
const from = whole("from", values.from, 1, 0)
const seed = whole("replay", values.replay, 0, 0)
const among = whole("among", values.among, 2_000, 1)
const jobsAtMost = whole("jobs", values.jobs, availableParallelism(), 1)
const kind = worldKinds.find((name) => name === values.kind)
if (values.kind !== undefined && kind === undefined) {
  wrongUsage(`--kind is ${JSON.stringify(values.kind)}, which is none of ${worldKinds.join(", ")}`)
}
if (!Number.isSafeInteger(from + worlds)) wrongUsage(`--from ${from} leaves no room for ${worlds} worlds`)

/** How many failures are made small and shown. */
const shown = 5

// Faults are errors by the thousand here, and nobody reads where they were made.
Error.stackTraceLimit = 0

const sim = await Effect.runPromise(simulation)

/** The seeds from this one on, of the kind that was asked for. */
const seedsFrom = (from: number, worlds: number): ReadonlyArray<number> => {
  const seeds: Array<number> = []
  for (let seed = from; seeds.length < worlds; seed++) if (kind === undefined || kindOf(seed) === kind) seeds.push(seed)
  return seeds
}

/** How many of the worlds are of each kind. */
const shareOf = (seeds: ReadonlyArray<number>): Partial<Record<WorldKind, number>> => {
  const counts: Partial<Record<WorldKind, number>> = {}
  for (const seed of seeds) counts[kindOf(seed)] = (counts[kindOf(seed)] ?? 0) + 1
  return counts
}

/** The failures of some seeds; only the first few are made small. */
const failuresOf = (from: number, worlds: number): { readonly seeds: ReadonlyArray<number>; readonly failures: ReadonlyArray<SimulationFailure> } => {
  const seeds: Array<number> = []
  const failures: Array<SimulationFailure> = []
  for (const seed of seedsFrom(from, worlds)) {
    if (failures.length >= shown) {
      if (sim.breaks(seed)) seeds.push(seed)
      continue
    }
    const failure = sim.check(seed)
    if (failure === null) continue
    seeds.push(seed)
    failures.push(failure)
  }
  return { seeds, failures }
}

type Part = ReturnType<typeof failuresOf>

/** Runs some seeds in a process of its own. */
const inProcess = (from: number, worlds: number): Promise<Part> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [
      "--part",
      "--from",
      String(from),
      "--worlds",
      String(worlds),
      ...kind === undefined ? [] : ["--kind", kind]
    ], {
      execArgv: [...process.execArgv, "--max-semi-space-size=64"]
    })
    child.on("message", (part: Part) => resolve(part))
    child.on("exit", (code) => reject(new Error(`A part of the worlds ended with code ${code ?? "none"} and no answer.`)))
  })

if (values.part) {
  process.send?.(failuresOf(from, worlds), () => process.exit(0))
} else if (mode === "replay") {
  const { failure, scenario, trace, traceHash, wholeTraceHash } = sim.replay(seed)
  if (values.json) console.log(JSON.stringify({ schema: "reprise.sim/1", seed, scenario, trace, traceHash, wholeTraceHash, failure }))
  else {
    console.log([
      ...scenario,
      "",
      ...trace,
      "",
      failure === null ? "It holds all rules." : `Rule ${failure.rule}: ${failure.message}`,
      `traceHash ${traceHash}${failure === null ? "" : ` (of the whole world: ${wholeTraceHash})`}`
    ].join("\n"))
  }
  process.exitCode = failure === null ? 0 : 1
} else if (mode === "mutants") {
  const table = mutants.map((mutant) => sim.kill(mutant, among))
  if (values.json) console.log(JSON.stringify({ schema: "reprise.mutants/1", mutants: table }))
  else for (const { killedBySeed, name, rule } of table) console.log(`${rule}  ${name.padEnd(60)} ${killedBySeed ?? "survived"}`)
  process.exitCode = table.every(({ killedBySeed }) => killedBySeed !== null) ? 0 : 1
} else {
  const began = performance.now()
  const each = Math.ceil(worlds / Math.min(jobsAtMost, worlds))
  const jobs = Math.ceil(worlds / each)
  const wanted = seedsFrom(from, worlds)
  const parts = await Promise.all(Array.from({ length: jobs }, (_, at) => {
    const part = wanted.slice(at * each, (at + 1) * each)
    const first = part[0] ?? from
    return jobs === 1 ? Promise.resolve(failuresOf(first, part.length)) : inProcess(first, part.length)
  }))
  const seeds = parts.flatMap((part) => part.seeds)
  const failures = parts.flatMap((part) => part.failures).slice(0, shown)
  const kinds = shareOf(wanted)
  const seconds = Math.round((performance.now() - began) / 10) / 100
  if (values.json) console.log(JSON.stringify({ schema: "reprise.sim/1", worlds, kinds, violations: seeds.length, seconds, seeds, failures }))
  else {
    for (const { message, rule, scenario, seed, trace, traceHash } of failures) {
      console.log([`Seed ${seed} breaks rule ${rule}: ${message}`, ...scenario, "", ...trace, `traceHash ${traceHash}`, ""].join("\n"))
    }
    const shares = worldKinds.flatMap((name) => kinds[name] === undefined ? [] : `${name} ${(100 * kinds[name] / worlds).toFixed(1)} %`)
    console.log(`Kinds of worlds: ${shares.join(", ")}.`)
    console.log(`${worlds} worlds in ${seconds} s: ${seeds.length} broke a rule${seeds.length === 0 ? "" : ` (seeds ${seeds.slice(0, 20).join(", ")})`}.`)
  }
  process.exitCode = seeds.length === 0 ? 0 : 1
}
