// `npx tsx test/acceptance/smoke.ts [name…]`: the bare CLIs against the mock model, with nothing of Reprise between. It
// shows that the rig itself stands: start, a word, an answer, kill -9 of everything, resume, the memory is there.
import { bareCommand, newSessionId } from "./command-lines.ts"
import { makeHome } from "./home.ts"
import { install } from "./install.ts"
import { holdsEarlier } from "./mock/requests.ts"
import { startMock } from "./mock/server.ts"
import { againInside, network } from "./namespace.ts"
import { type CliName, cliNames, isCliName } from "./pins.ts"
import { eventually, killAll, openTerminal } from "./terminal.ts"

/** What an idle CLI shows once it has drawn itself for the first time. */
const ready: Readonly<Record<CliName, RegExp>> = { claude: /bypass permissions on/, codex: /Ask Codex to do anything/ }

const smoke = async (name: CliName): Promise<string> => {
  const cli = await install(name)
  const mock = await startMock()
  const home = makeHome({ anthropic: mock.anthropic, openai: mock.openai, clis: [cli] })
  try {
    const before = openTerminal(home, "a")
    const pane = before.start([name, ...bareCommand(name, { fresh: newSessionId() })])
    await before.shows(pane, ready[name])
    await before.send(pane, "say remember apples")
    const first = await eventually("the first request", () => mock.requests.saying("remember apples")[0], {
      instead: () => before.screen(pane)
    })
    await before.shows(pane, /[●•] remember apples/)
    const session = first.session
    if (session === null) throw new Error("The request names no session.")
    const killed = await killAll(home)

    const after = openTerminal(home, "b")
    const again = after.start([name, ...bareCommand(name, { resume: session })])
    await after.shows(again, ready[name])
    await after.shows(again, /remember apples/)
    await after.send(again, "say and pears")
    const second = await eventually("the request after the resume", () => mock.requests.saying("and pears")[0], {
      instead: () => after.screen(again)
    })
    if (!holdsEarlier(second, "remember apples")) throw new Error("The resumed conversation has forgotten the apples.")
    if (second.session !== session) throw new Error(`It resumed ${second.session}, not ${session}.`)
    return `${killed.length} processes killed, ${session} resumed with its memory (network: ${network()})`
  } finally {
    await killAll(home)
    await mock.close()
    home.remove()
  }
}

const asked = process.argv.slice(2).filter(isCliName)
const names = asked.length === 0 ? cliNames : asked
for (const name of names) await install(name)
const [, program = "", ...args] = process.argv
const code = await againInside([program, ...args])
if (code !== null) process.exitCode = code
else for (const name of names) process.stdout.write(`${name}: ${await smoke(name)}\n`)
