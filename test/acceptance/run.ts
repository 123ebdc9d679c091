// `npm run test:clis -- [name…] [--json] [--write]`: the real CLIs, at pinned versions, through Reprise itself, against a
// model of our own. One row a capability; `--write` puts the table into docs/clis.md.
import { parseArgs } from "node:util"
import { makeClaims, type Row } from "./claims.ts"
import { install, type Installed } from "./install.ts"
import { againInside, network } from "./namespace.ts"
import { type CliName, cliNames, isCliName, pins } from "./pins.ts"
import { stories } from "./stories.ts"
import { table, writeTable } from "./table.ts"

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

const main = async (names: ReadonlyArray<CliName>, asked: { json: boolean; write: boolean; only: ReadonlyArray<string> }) => {
  const clis: Array<Installed> = []
  for (const name of names) {
    clis.push(await install(name))
    if (network() !== "loopback") note(`${name} ${pins[name].version} is installed.`)
  }
  // From here on nothing needs the network.
  const again = await againInside(process.argv.slice(1))
  if (again !== null) return again
  note(network() === "loopback" ? "Network: loopback only." : "Network: this machine's, since it allows no other.")
  const wanted = stories.filter(({ name }) => asked.only.length === 0 || asked.only.includes(name))
  const claims = new Map(clis.map((cli) => [cli.cli, makeClaims(cli, note)]))
  await Promise.all(clis.map(async (cli) => {
    for (const story of wanted) {
      const own = claims.get(cli.cli)
      if (own !== undefined) await story.run(own, clis)
    }
  }))
  const rows: ReadonlyArray<Row> = [...claims.values()].flatMap((each) => each.rows())
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
