// `npm run test:clis -- [name…] [--json] [--write]`: the real CLIs, at pinned versions, through Reprise itself, against a
// model of our own. One row a capability; `--write` puts the table into docs/clis.md.
import { parseArgs } from "node:util"
import { installCommand } from "../house/built.ts"
import { capabilities, failed, type Found, makeClaims, type Row, rowsOf } from "./claims.ts"
import { install, type Installed, installed } from "./install.ts"
import { againInside, network } from "./namespace.ts"
import { type CliName, cliNames, isCliName, pins } from "./pins.ts"
import { stories, type Story } from "./stories.ts"
import { table, writeTable } from "./table.ts"
import { closeWorlds, useCommand } from "./world.ts"

const usage = "Usage: npm run test:clis -- [NAME…] [--json] [--write] [--story NAME]"

const read = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { json: { type: "boolean" }, write: { type: "boolean" }, story: { type: "string", multiple: true } }
    })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const note = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

interface Asked {
  readonly json: boolean
  readonly write: boolean
  readonly only: ReadonlyArray<string>
}

/** In CI a story that failed is told once more: the machine has others to serve, and real programs notice. */
const tellings = process.env["CI"] === undefined ? 1 : 2

const tell = async (story: Story, cli: Installed, clis: ReadonlyArray<Installed>): Promise<ReadonlyArray<Found>> => {
  for (let telling = 1;; telling++) {
    const claims = makeClaims(cli, note)
    await story.run(claims, clis)
    if (telling >= tellings || !failed(claims.found())) return claims.found()
    note(`${cli.cli}  the story "${story.name}" is told again.`)
  }
}

/** All stories of one CLI, one after the other; two CLIs are served side by side. */
const tellAll = async (cli: Installed, clis: ReadonlyArray<Installed>, only: ReadonlyArray<string>) => {
  const found: Array<Found> = []
  for (const story of stories) {
    if (only.length === 0 || only.includes(story.name)) found.push(...await tell(story, cli, clis))
  }
  return rowsOf(cli, found)
}

const installAll = async (names: ReadonlyArray<CliName>) => {
  const clis: Array<Installed> = []
  const missing: Array<Row> = []
  for (const name of names) {
    try {
      // Where there is only loopback it was tried before.
      const there = network() === "loopback" ? installed(name) : await install(name)
      if (there === null) throw new Error("see above")
      clis.push(there)
    } catch (error) {
      const problem = `It could not be installed: ${error instanceof Error ? error.message : String(error)}`
      note(`${name}  ${problem}`)
      const found = capabilities.map((capability) => ({ capability, check: "install", problem, unsupported: false, ms: 0 }))
      missing.push(...rowsOf(pins[name], found))
    }
  }
  return { clis, missing }
}

const main = async (names: ReadonlyArray<CliName>, asked: Asked): Promise<number> => {
  const { clis, missing } = await installAll(names)
  // From here on nothing needs the network.
  const again = await againInside(process.argv.slice(1))
  if (again !== null) return again
  const ground = network() === "loopback" ? "loopback only" : "this machine's, which allows no narrower one"
  note(`${clis.map(({ cli, version }) => `${cli} ${version}`).join(", ")}; network: ${ground}.`)
  const command = await installCommand()
  useCommand(command.command)
  const interrupted = () => {
    void closeWorlds().finally(() => {
      command.remove()
      process.exit(130)
    })
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted)
  const told = await Promise.all(clis.map((cli) => tellAll(cli, clis, asked.only)))
  command.remove()
  const rows = [...missing, ...told.flat()]
  if (asked.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
  else process.stdout.write(`${table(rows)}\n`)
  if (asked.write) writeTable(rows)
  return rows.some(({ result }) => result === "fail") ? 1 : 0
}

const parsed = read()
const strangers = typeof parsed === "string" ? [] : parsed.positionals.filter((name) => !isCliName(name))
if (typeof parsed === "string" || strangers.length > 0) {
  const problem = typeof parsed === "string" ? parsed : `There is no CLI ${strangers.join(", ")}; known are ${cliNames.join(", ")}.`
  note(`${problem} Nothing was run.\n${usage}`)
  process.exitCode = 2
} else {
  const { positionals, values } = parsed
  const named = positionals.filter(isCliName)
  const asked = { json: values.json ?? false, write: values.write ?? false, only: values.story ?? [] }
  process.exitCode = await main(named.length === 0 ? cliNames : named, asked)
}
