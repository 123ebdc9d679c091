// `npx tsx test/acceptance/try.ts claude|codex [--ask] [--no-trust]`: a mock model, a scratch home, and the line that
// starts the CLI in them. It serves until it is interrupted; requests are shown as they come.
import { join } from "node:path"
import { bareCommand, newSessionId } from "./command-lines.ts"
import { makeHome } from "./home.ts"
import { install } from "./install.ts"
import { startMock } from "./mock/server.ts"
import { cliNames, isCliName } from "./pins.ts"

const [name = "", ...flags] = process.argv.slice(2)
if (!isCliName(name)) {
  process.stderr.write(`Usage: npx tsx test/acceptance/try.ts ${cliNames.join("|")} [--ask] [--no-trust]\n`)
  process.exit(2)
}
const cli = await install(name)
const mock = await startMock({
  heard: ({ kind, messages, number, session, tools }) => {
    const said = messages.map(({ role, text }) => `    ${role}: ${text.slice(0, 200)}`)
    process.stdout.write(`${[`${number} ${kind} of ${session} (${tools.length} tools)`, ...said].join("\n")}\n`)
  }
})
const home = makeHome({
  anthropic: mock.anthropic,
  openai: mock.openai,
  clis: [cli],
  ...flags.includes("--no-trust") ? { trusted: [] } : {}
})
const words = [
  "env",
  "-i",
  ...Object.entries(home.env).map(([key, value]) => `${key}=${value}`),
  cli.program,
  ...bareCommand(name, { fresh: newSessionId() }, flags.includes("--ask") ? "always" : "never")
]
process.stdout.write(
  `cd ${home.work} && ${words.join(" ")}\n\n` +
    `tmux -S ${join(home.root, "t")} -f /dev/null new-session -x 120 -y 40 -c ${home.work} -- ${words.join(" ")}\n\n` +
    `Say to it: "say hello", "slow 5", "hang", "error 429 reset 3600", "bash touch x"; mock/script.ts has them all.\n`
)

const end = () => {
  for (const path of mock.strays()) process.stdout.write(`stray: ${path}\n`)
  home.remove()
  process.exit(0)
}
process.once("SIGINT", end)
process.once("SIGTERM", end)
