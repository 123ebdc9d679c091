import { around, holdsAnywhere, holdsEarlier } from "../mock/requests.ts"
import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { sessionOf, teamFile } from "../providers.ts"
import { lives } from "../terminal.ts"
import { openWorld, parentOf, processesWith, type World } from "../world.ts"

const long = (lines: number): string =>
  Array.from({ length: lines }, (_, line) => `line ${line + 1} of a long message, with "quotes", $HOME and #{pane_id}`).join("\n")

/** Tells each agent one word that no other is told. */
const tellWords = async (world: World, words: Readonly<Record<string, string>>): Promise<void> => {
  for (const [id, word] of Object.entries(words)) {
    await world.tell(id, `say I keep ${word}`)
    await world.until(id, "idle")
  }
}

/** After a restart: each agent has its own word from before in its next request, and none of the others'. */
export const askForMemory = async (world: World, words: Readonly<Record<string, string>>): Promise<void> => {
  for (const [id, word] of Object.entries(words)) {
    await world.until(id, "idle")
    const request = await world.tell(id, `say again, ${id}`)
    must(holdsEarlier(request, word), () => `The first request of ${id} after the restart holds no ${word}.`)
    for (const other of Object.values(words)) {
      must(other === word || !holdsAnywhere(request, other), () => `The request of ${id} holds ${other}: ${around(request, other)}`)
    }
  }
}

/** One process a conversation, whatever stands around it (a wrapper and its child are one). */
export const mustBeAlone = (world: World, session: string): void => {
  const found = processesWith(world.home, session)
  const tops = found.filter((pid) => !found.includes(parentOf(pid)))
  must(tops.length <= 1, () => `${tops.length} processes were started in session ${session}: ${tops.join(", ")}.`)
}

/** Two agents in one directory: launched, spoken to, killed with all that is around them, and brought back. */
export const team = (claims: Claims): Promise<void> =>
  claims.story("two agents in one directory", ["fresh", "ready", "capture", "submit", "state", "two in one cwd", "resume", "fork"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli], { scripts: ["up", "restart"] })
    const words = { one: "quandong", two: "medlar" }
    try {
      world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli }, two: { cli: cli.cli } }))
      const up = await claim("fresh", "up starts both", async () => {
        const answer = await world.well("up", "team.yaml")
        for (const agent of answer.agents) {
          must(agent.pid !== null && lives(agent.pid), () => `${agent.id} has no live process: ${agent.evidence}`)
        }
        must(answer.agents.length === 2, () => `up shows ${answer.agents.length} agents.`)
        return answer
      })
      await claim("ready", "both are idle, and said how that is known", async () => {
        for (const { id } of up.agents) {
          const agent = await world.until(id, "idle")
          must(agent.evidence !== "", () => `${id} has no evidence.`)
        }
      })
      await claim("capture", "up, status and restart name the sessions before the first message", async () => {
        const status = await world.well("status")
        must(up.agents.map(sessionOf).join() === status.agents.map(sessionOf).join(), () => `up says ${up.agents.map(sessionOf).join()}, and status ${status.agents.map(sessionOf).join()}.`)
        const restarted = await world.well("restart")
        const again = await world.well("status")
        must(restarted.agents.map(sessionOf).join() === again.agents.map(sessionOf).join(), () => `restart says ${restarted.agents.map(sessionOf).join()}, and status ${again.agents.map(sessionOf).join()}.`)
        for (const { id } of up.agents) await world.until(id, "idle")
      })
      await claim("submit", "a message arrives word for word", () => tellWords(world, words))
      await claim("submit", "a message of 400 lines arrives whole", async () => {
        await world.tell("one", long(400))
        await world.until("one", "idle")
      })
      const sessions = await claim("capture", "the session is the one that the model is asked in", async () => {
        const found: Record<string, string> = {}
        for (const [id, word] of Object.entries(words)) {
          const agent = await world.agent(id)
          const asked = world.mock.requests.saying(word)[0]?.session
          must(sessionOf(agent) === asked, () => `${id} has session ${agent.session?.id}, and the model was asked in ${asked}.`)
          must(agent.session?.confidence === "high", () => `It is held with ${agent.session?.confidence} confidence only.`)
          must(agent.session?.transcript !== null, () => "Its transcript is not known.")
          found[id] = sessionOf(agent)
        }
        return found
      })
      await claim("two in one cwd", "each has a session of its own", async () => {
        must(new Set(Object.values(sessions)).size === 2, () => `Both have ${sessions["one"]}.`)
        const captured = world.events().filter(({ type }) => type === "session.captured").map(({ agent }) => agent)
        must(captured.includes("one") && captured.includes("two"), () => `session.captured is there for ${captured.join(", ")} only.`)
      })
      await claim("state", "busy while it answers, idle afterwards", async () => {
        await world.tell("two", "slow 6 say that took a while")
        await world.until("two", "busy")
        await world.until("two", "idle")
      })
      await claim("state", "a message to one that is busy waits", async () => {
        await world.tell("two", "slow 20 say still at it")
        await world.until("two", "busy")
        const sent = await world.reprise("send", "two", "say too early")
        must(sent.outcome === "accepted", () => `It was ${sent.outcome}: ${sent.message}`)
      })
      await claim("resume", "after kill -9 of everything, one of them at work, restart brings both back", async () => {
        await world.powerCut()
        const restarted = await world.well("restart")
        must(restarted.outcome === "restarted", () => `It was ${restarted.outcome}.`)
        for (const agent of restarted.agents) {
          must(agent.result === "resumed", () => `${agent.id} was ${agent.result}.`)
          must(sessionOf(agent) === sessions[agent.id], () => `${agent.id} is in ${agent.session?.id}, not ${sessions[agent.id]}.`)
          mustBeAlone(world, sessionOf(agent))
        }
      })
      await claim("resume", "each request holds its own earlier conversation and not the other's", () => askForMemory(world, words))
      await claim("two in one cwd", "they come back in their own conversations", async () => {
        for (const id of Object.keys(words)) {
          const agent = await world.agent(id)
          must(sessionOf(agent) === sessions[id], () => `${id} is in ${agent.session?.id} now.`)
        }
      })
      await claim("fork", "a fork begins with the conversation of its source", async () => {
        await world.until("one", "idle")
        await world.well("fork", "one", "three")
        await world.until("three", "idle")
        const request = await world.tell("three", "say I keep rambutan")
        must(holdsEarlier(request, "quandong"), () => "The first request of the fork holds no quandong.")
        const source = sessionOf(await world.agent("one"))
        must(source === sessions["one"], () => `The source is in ${source} now.`)
        must(sessionOf(await world.agent("three")) !== source, () => "Both have one session.")
      })
      await claim("fork", "source and fork come back, each in its own conversation", async () => {
        await world.until("three", "idle")
        const fork = sessionOf(await world.agent("three"))
        await world.powerCut()
        const restarted = await world.well("restart")
        must(restarted.agents.every(({ result }) => result === "resumed"), () => restarted.message)
        const request = await world.tell("three", "say once more")
        must(holdsEarlier(request, "rambutan") && holdsEarlier(request, "quandong"), () => "The fork has forgotten its fruit.")
        must(sessionOf(await world.agent("three")) === fork, () => `The fork is not in ${fork} any more.`)
        const source = await world.tell("one", "say and you")
        must(!holdsAnywhere(source, "rambutan"), () => "The source holds what only its fork was told.")
      })
    } finally {
      await world.close()
    }
  })
