import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { holdsAnywhere, holdsEarlier } from "../mock/requests.ts"
import { known, sessionOf } from "../providers.ts"
import { openWorld } from "../world.ts"
import { askForMemory } from "./team.ts"

/** A stopped team whose workspace is at another path, where its CLI was never started before. */
export const moved = (claims: Claims): Promise<void> =>
  claims.story("a workspace that was moved", ["resume", "fork"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    try {
      const agent = `{ provider: ${cli.cli}, permissions: ${known[cli.cli].never}, options: { trust: true } }`
      world.write("team.yaml", `name: alpha\nagents:\n  one: ${agent}\n  two: ${agent}\n`)
      await world.well("up", "team.yaml")
      const words: Record<string, string> = { one: "quandong", two: "medlar" }
      for (const [id, word] of Object.entries(words)) {
        await world.until(id, "idle")
        await world.tell(id, `say I keep ${word}`)
      }
      for (const id of Object.keys(words)) await world.until(id, "idle")
      const sessions = (await world.well("status")).agents.map(sessionOf)
      await world.well("down")
      world.move(`${world.home.work}-moved`)
      await claim("resume", "each agent comes back in its own conversation at the new path", async () => {
        const restarted = await world.well("restart")
        must(restarted.agents.map(sessionOf).join() === sessions.join(), () => `They are in ${restarted.agents.map(sessionOf).join()}, not ${sessions.join()}.`)
        for (const id of Object.keys(words)) await world.until(id, "idle")
        await askForMemory(world, words)
      })
      await claim("resume", "and again after kill -9 of everything", async () => {
        await world.powerCut()
        await world.well("restart")
        for (const id of Object.keys(words)) await world.until(id, "idle")
        await askForMemory(world, words)
      })
      await claim("fork", "a fork made there begins with the conversation of its source", async () => {
        await world.well("fork", "one", "three")
        await world.until("three", "idle")
        const request = await world.tell("three", "say again")
        must(holdsEarlier(request, "quandong"), () => "The conversation of its source is not in its request.")
        must(!holdsAnywhere(request, "medlar"), () => "Another agent's conversation is in its request.")
        must(request.session !== sessions[0], () => "It is in its source's own session.")
      })
    } finally {
      await world.close()
    }
  })
