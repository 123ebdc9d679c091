import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { holdsAnywhere, holdsEarlier } from "../mock/requests.ts"
import type { CliName } from "../pins.ts"
import { known, sessionOf, teamFile } from "../providers.ts"
import { eventually, lives } from "../terminal.ts"
import { openWorld, parentOf, type World } from "../world.ts"

/** The commands that open a new conversation in the same process, as often as they are typed. */
const commandsOf: Readonly<Record<CliName, ReadonlyArray<ReadonlyArray<string>>>> = {
  claude: [["/clear"], ["/clear", "/clear"]],
  codex: [["/new"], ["/clear"]]
}

const Server = Schema.parseJson(Schema.Struct({ socket: Schema.String }))

/** A process and all above it: a pane may start the agent by a program of its own. */
const upwards = (pid: number): ReadonlyArray<string> => pid <= 1 ? [] : [String(pid), ...upwards(parentOf(pid))]

/** A person at the agent's own window. */
const windowOf = (world: World, pid: number) => {
  const record = readFileSync(join(world.home.work, ".reprise/plugins/transport-tmux/server.json"), "utf8")
  const { socket } = Schema.decodeUnknownSync(Server)(record)
  const tmux = (...words: ReadonlyArray<string>): string => {
    const ran = spawnSync("tmux", ["-S", socket, ...words], { env: world.home.env, encoding: "utf8" })
    if (ran.status !== 0) throw new Error(`tmux ${words[0]} failed: ${ran.stderr}`)
    return ran.stdout
  }
  const panes = tmux("list-panes", "-a", "-F", "#{pane_pid} #{pane_id}").trim().split("\n").map((line) => line.split(" "))
  const above = upwards(pid)
  const pane = panes.find(([owner = ""]) => above.includes(owner))?.[1]
  if (pane === undefined) throw new Error(`No pane has process ${pid}: ${panes.join("; ")}`)
  const screen = (): string => tmux("capture-pane", "-p", "-t", pane)
  /** The text is seen before Enter is pressed. */
  const type = async (text: string): Promise<void> => {
    tmux("send-keys", "-t", pane, "-l", text)
    await eventually(`${text} on the screen`, () => screen().includes(text), { instead: screen })
    tmux("send-keys", "-t", pane, "Enter")
  }
  return { endServer: () => tmux("kill-server"), screen, type }
}

/** Types a command and waits until the words from before are no longer shown. */
const change = async (window: ReturnType<typeof windowOf>, command: string, old: string): Promise<void> => {
  await window.type(command)
  await eventually(`an empty window after ${command}`, () => !window.screen().includes(old), { instead: window.screen })
}

const open = async (claims: Claims): Promise<{ readonly world: World; readonly first: string; readonly pid: number }> => {
  const { cli } = claims
  const world = await openWorld([cli])
  world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli } }))
  await world.well("up", "team.yaml")
  await world.until("one", "idle")
  await world.tell("one", "say I keep quandong")
  await world.until("one", "idle")
  const agent = await world.agent("one")
  return { world, first: sessionOf(agent), pid: agent.pid ?? 0 }
}

/** After a person went over to a new conversation by hand, and everything ended. */
const comesBack = async (
  claims: Claims,
  commands: ReadonlyArray<string>,
  end: (world: World, window: ReturnType<typeof windowOf>, pid: number) => Promise<void>
): Promise<void> => {
  const { world, first, pid } = await open(claims)
  try {
    const window = windowOf(world, pid)
    for (const command of commands) await change(window, command, "quandong")
    await window.type("say I keep medlar")
    const second = (await eventually("the request of the new conversation", () => world.mock.requests.saying("medlar")[0])).session
    must(second !== first, () => "The command opened no new conversation.")
    await eventually("the answer", () => window.screen().includes(`${known[claims.cli.cli].answer} I keep medlar`), {
      instead: window.screen
    })
    await end(world, window, pid)
    const restarted = await world.reprise("restart")
    if (!restarted.ok) {
      must(restarted.said.includes("session_ambiguous"), () => `It was refused otherwise: ${restarted.said}`)
      for (const id of [first, second]) must(restarted.said.includes(id ?? "none"), () => `The refusal does not name ${id}.`)
      return
    }
    await world.until("one", "idle")
    const request = await world.tell("one", "say again")
    must(holdsEarlier(request, "medlar"), () => `The new conversation is lost; it came back in ${request.session}.`)
    must(!holdsAnywhere(request, "quandong"), () => "The old conversation came back with it.")
  } finally {
    await world.close()
  }
}

/** A person opens a new conversation in the window of an agent. */
export const changed = (claims: Claims): Promise<void> =>
  claims.story("a new conversation by a person's command", ["capture", "resume"], async () => {
    const { claim, cli } = claims
    const [once = [], other = []] = commandsOf[cli.cli]
    const name = (commands: ReadonlyArray<string>) => commands.join(" and ")
    await claim("resume", `after ${name(once)} and kill -9 of everything, the new conversation comes back`, () =>
      comesBack(claims, once, (world) => world.powerCut()))
    await claim("resume", `after ${name(other)} and the end of the tmux server, the new conversation comes back`, () =>
      comesBack(claims, other, async (_, window, pid) => {
        window.endServer()
        await eventually("the end of the agent", () => !lives(pid))
      }))
    await claim("capture", `after ${name(once)} with nothing said, the conversation that is shown is reported`, async () => {
      const { world, first, pid } = await open(claims)
      try {
        const window = windowOf(world, pid)
        await change(window, once[0] ?? "", "quandong")
        const shown = await eventually("a status that leaves the old conversation", async () => {
          const { session } = await world.agent("one")
          return session === null || session.id !== first || session.confidence !== "high" ? { session } : null
        }, { limitMs: 10_000 })
        await window.type("say I keep medlar")
        const second = (await eventually("the request", () => world.mock.requests.saying("medlar")[0])).session
        must(shown.session?.confidence !== "high" || shown.session.id === second, () => `${shown.session?.id} was reported, and ${second} is shown.`)
      } finally {
        await world.close()
      }
    })
    // Claude Code writes a conversation as soon as it is opened: that one is continued.
    if (cli.cli === "codex") await claim("resume", `after ${name(once)} with nothing said and kill -9 of everything, the conversation before it comes back, and both are named`, async () => {
      const { world, first, pid } = await open(claims)
      try {
        const window = windowOf(world, pid)
        await change(window, once[0] ?? "", "quandong")
        const second = await eventually("the ID of the new conversation", async () => {
          const { said } = await world.well("status")
          return /is in session (\S+), in which nothing was said/.exec(said)?.[1]
        }, { limitMs: 10_000 })
        await world.powerCut()
        const restarted = await world.well("restart")
        for (const id of [first, second]) must(restarted.said.includes(id), () => `The restart does not name ${id}: ${restarted.said}`)
        await world.until("one", "idle")
        const request = await world.tell("one", "say again")
        must(holdsEarlier(request, "quandong"), () => `The conversation is lost; it came back in ${request.session}.`)
      } finally {
        await world.close()
      }
    })
  })
