import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import type { CliName } from "../pins.ts"
import { known } from "../providers.ts"
import { eventually, processesOf } from "../terminal.ts"
import { openWorld, type World } from "../world.ts"

/** The variable that a CLI takes the model's key from. */
const keyOf: Readonly<Record<CliName, string>> = { claude: "ANTHROPIC_AUTH_TOKEN", codex: "MOCK_KEY" }

/** An MCP server that writes down what it was started with. */
const server = `import { writeFileSync } from "node:fs"
import { createInterface } from "node:readline"
const { REPRISE_AGENT, TRACKER_TOKEN } = process.env
writeFileSync(process.argv[2] + REPRISE_AGENT, TRACKER_TOKEN + "")
const answers = {
  initialize: ({ params }) => ({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "tracker", version: "1" } }),
  "tools/list": () => ({ tools: [] })
}
createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line)
  if (asked.id === undefined) return
  console.log(JSON.stringify({ jsonrpc: "2.0", id: asked.id, result: answers[asked.method]?.(asked) ?? {} }))
})
`

const commandsOf = (world: World): ReadonlyArray<string> =>
  processesOf(world.home).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
    } catch {
      return ""
    }
  })

const fileOf = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return null
  }
}

/** What is one agent's is not the other's: its key, its MCP servers and what they are told. */
export const own = (claims: Claims): Promise<void> =>
  claims.story("what is an agent's own", ["fresh"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    const secret = (id: string) => `tracker-token-of-${id}`
    try {
      const script = world.write("tracker.mjs", server)
      const seen = join(world.home.root, "seen-")
      const agent = (id: string) =>
        [
          `  ${id}:`,
          `    provider: ${cli.cli}`,
          `    permissions: ${known[cli.cli].never}`,
          `    env: { ${keyOf[cli.cli]}: key-of-${id} }`,
          "    mcp:",
          `      tracker: { command: node, args: [${JSON.stringify(script)}, ${JSON.stringify(seen)}], env: { TRACKER_TOKEN: ${secret(id)} } }`
        ].join("\n")
      world.write("team.yaml", `name: alpha\nagents:\n${agent("one")}\n${agent("two")}\n`)
      await world.well("up", "team.yaml")
      await claim("fresh", "each asks the model with its own key", async () => {
        for (const id of ["one", "two"]) {
          await world.until(id, "idle")
          const { key } = await world.tell(id, `say I am ${id}`)
          must(key === `key-of-${id}`, () => `${id} asked with ${key}.`)
        }
      })
      await claim("fresh", "its MCP servers know whose they are, and their secrets", async () => {
        for (const id of ["one", "two"]) {
          const told = await eventually(`the server of ${id}`, () => fileOf(`${seen}${id}`))
          must(told === secret(id), () => `The server of ${id} was told ${told}.`)
        }
      })
      await claim("fresh", "no secret stands in a command, and no server is left behind", async () => {
        const commands = commandsOf(world)
        must(commands.some((command) => command.includes("tracker.mjs")), () => "The servers do not run.")
        must(!commands.some((command) => /tracker-token-of|key-of-/.test(command)), () => "A secret stands in a command.")
        must(!commands.some((command) => command.includes("app-server")), () => "A shared background server runs.")
        await world.well("down")
        await eventually("the end of all that was started", () =>
          !commandsOf(world).some((command) => /tracker\.mjs|\bclaude\b|\bcodex\b/.test(command)), {
          instead: () => commandsOf(world).join("\n")
        })
      })
    } finally {
      await world.close()
    }
  })
