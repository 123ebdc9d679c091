import { readFileSync } from "node:fs"
import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { bareCommand, newSessionId } from "../command-lines.ts"
import { holdsAnywhere, holdsEarlier } from "../mock/requests.ts"
import { known, sessionOf } from "../providers.ts"
import { eventually, lives } from "../terminal.ts"
import { openWorld } from "../world.ts"
import { askForMemory, mustBeAlone } from "./team.ts"

/** A person opened a second conversation in the same process, and said something in it. */
const changedByHand = async ({ cli }: Claims): Promise<void> => {
  const { answer, ready, renew } = known[cli.cli]
  const world = await openWorld([cli])
  const { mock, terminal } = world
  try {
    const pane = terminal.start([cli.program, ...bareCommand(cli.cli, { fresh: newSessionId() })])
    await terminal.shows(pane, ready)
    await terminal.send(pane, "say I keep durian")
    await terminal.shows(pane, new RegExp(`${answer} I keep durian`))
    await terminal.send(pane, renew)
    await eventually("an empty window", () => !terminal.screen(pane).includes("durian"), { instead: () => terminal.screen(pane) })
    await terminal.send(pane, "say I keep salak")
    const { session } = await eventually("its request", () => mock.requests.saying("salak")[0])
    await terminal.shows(pane, new RegExp(`${answer} I keep salak`))
    await world.well("adopt", "--as", "gamma")
    const [agent] = (await world.well("status")).agents
    must(agent !== undefined && sessionOf(agent) === session, () => `It is recorded in ${agent?.session?.id}, and was last asked in ${session}.`)
    await world.powerCut()
    await world.well("restart")
    if (agent === undefined) return
    await world.until(agent.id, "idle")
    const request = await world.tell(agent.id, "say again")
    must(holdsEarlier(request, "salak"), () => "The second conversation is lost.")
    must(!holdsAnywhere(request, "durian"), () => "The first conversation came back with it.")
  } finally {
    await world.close()
  }
}

/** What a person started by hand, in a tmux of their own, becomes a team that comes back. */
export const adopt = (claims: Claims): Promise<void> =>
  claims.story("two that a person started by hand", ["adopt"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    const { mock, terminal } = world
    const words = ["loquat", "feijoa"]
    try {
      const panes = words.map(() => terminal.start([cli.program, ...bareCommand(cli.cli, { fresh: newSessionId() })]))
      for (const [index, pane] of panes.entries()) {
        await terminal.shows(pane, known[cli.cli].ready)
        await terminal.send(pane, `say I keep ${words[index]}`)
        await terminal.shows(pane, new RegExp(`${known[cli.cli].answer} I keep ${words[index]}`))
      }
      const sessions = words.map((word) => mock.requests.saying(word)[0]?.session ?? "none")
      await claim("adopt", "a dry run finds both and changes nothing", async () => {
        const found = await world.well("adopt", "--dry-run")
        for (const session of sessions) must(found.said.includes(session), () => `Session ${session} is not shown: ${found.said}`)
        must(world.events().length === 0, () => "A dry run wrote events.")
      })
      // What was said and what stands in the composer; hints around them come and go by themselves.
      const said = (pane: string) => terminal.screen(pane).split("\n").filter((line) => /^[●•❯›]/.test(line)).join("\n")
      const before = panes.map(said)
      const pids = panes.map((pane) => terminal.pid(pane))
      const agents = await claim("adopt", "they are recorded as a team, with exact sessions, untouched", async () => {
        await world.well("adopt", "--as", "alpha")
        const status = await world.well("status")
        must(status.agents.length === 2, () => `The team has ${status.agents.length} agents.`)
        const own = status.agents.map(sessionOf)
        must(sessions.every((session) => own.includes(session)), () => `They hold ${own.join(", ")}, not ${sessions.join(", ")}.`)
        for (const [index, pane] of panes.entries()) {
          must(said(pane) === before[index], () => `Pane ${pane} shows ${said(pane)}, not ${before[index]}.`)
          must(terminal.pid(pane) === pids[index] && lives(pids[index] ?? 0), () => `The process of ${pane} is another.`)
        }
        return status.agents
      })
      await claim("adopt", "while the person's own process lives, no second one is started", async () => {
        const refused = await world.reprise("restart")
        must(!refused.ok, () => `It was ${refused.outcome}.`)
        must(/takeover/.test(refused.said), () => `It does not say how to go on: ${refused.message}`)
        for (const [index, pid] of pids.entries()) {
          must(lives(pid), () => `Process ${pid} was ended.`)
          mustBeAlone(world, sessions[index] ?? "")
        }
      })
      await claim("adopt", "after a reboot restart brings both back with their memory", async () => {
        await world.powerCut()
        await world.well("restart")
        const memory: Record<string, string> = {}
        for (const agent of agents) {
          await world.until(agent.id, "idle")
          memory[agent.id] = words[sessions.indexOf(sessionOf(agent))] ?? "nothing"
        }
        await askForMemory(world, memory)
      })
      await claim("adopt", "--takeover ends the person's process and goes on in its conversation", async () => {
        const other = await openWorld([cli])
        try {
          const pane = other.terminal.start([cli.program, ...bareCommand(cli.cli, { fresh: newSessionId() })])
          await other.terminal.shows(pane, known[cli.cli].ready)
          await other.terminal.send(pane, "say I keep durian")
          const first = await eventually("its request", () => other.mock.requests.saying("durian")[0])
          await other.terminal.shows(pane, new RegExp(`${known[cli.cli].answer} I keep durian`))
          const pid = other.terminal.pid(pane)
          await other.well("adopt", "--as", "beta")
          await other.well("restart", "--takeover", "--yes")
          must(!lives(pid), () => `The person's process ${pid} lives on.`)
          const [agent] = (await other.well("status")).agents
          must(agent !== undefined && sessionOf(agent) === first.session, () => "It goes on in another session.")
          if (agent !== undefined) {
            await other.until(agent.id, "idle")
            await askForMemory(other, { [agent.id]: "durian" })
          }
        } finally {
          await other.close()
        }
      })
      await claim("adopt", "one whose person went over to a new conversation is recorded in that one, and comes back in it", () => changedByHand(claims))
      await claim("adopt", "one to which its person never spoke starts fresh after a reboot, and needs no grant", async () => {
        const other = await openWorld([cli])
        try {
          const pane = other.terminal.start([cli.program, ...bareCommand(cli.cli, { fresh: newSessionId() })])
          await other.terminal.shows(pane, known[cli.cli].ready)
          await eventually("a process that can be adopted", async () => (await other.reprise("adopt", "--as", "delta")).outcome === "adopted")
          await other.powerCut()
          const restarted = await other.well("restart")
          must(restarted.agents.every(({ result }) => result === "started"), () => restarted.message)
        } finally {
          await other.close()
        }
      })
      await claim("adopt", "nothing of the person's own files was changed by it", async () => {
        const log = readFileSync(`${world.home.home}/${cli.cli === "claude" ? ".claude/settings.json" : ".codex/config.toml"}`, "utf8")
        must(!/reprise/i.test(log), () => "The person's configuration names Reprise.")
      })
    } finally {
      await world.close()
    }
  })
