import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { holdsAnywhere, holdsEarlier } from "../mock/requests.ts"
import { known, sessionOf } from "../providers.ts"
import { lives } from "../terminal.ts"
import { openWorld } from "../world.ts"
import { askForMemory } from "./team.ts"

/** A workspace at another path, where its CLI was never started before: moved while its team is stopped or runs, and copied. */
export const moved = (claims: Claims): Promise<void> =>
  claims.story("a workspace that was moved", ["resume", "fork"], async () => {
    const { claim, cli } = claims
    const agent = `{ provider: ${cli.cli}, permissions: ${known[cli.cli].never}, options: { trust: true } }`
    const world = await openWorld([cli])
    try {
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
    await claim("resume", "a team that runs while its workspace is moved, goes on, and comes back there", async () => {
      const other = await openWorld([cli])
      try {
        other.write("team.yaml", `name: alpha\nagents:\n  one: ${agent}\n`)
        await other.well("up", "team.yaml")
        await other.until("one", "idle")
        await other.tell("one", "say I keep durian")
        const { pid } = await other.until("one", "idle")
        other.move(`${other.home.work}-moved`)
        await askForMemory(other, { one: "durian" })
        must((await other.until("one", "idle")).pid === pid, () => "It is in another process.")
        await other.well("restart")
        await askForMemory(other, { one: "durian" })
      } finally {
        await other.close()
      }
    })
    await claim("fork", "a copy of a workspace leaves its team alone, and --as-new starts one with the same memory", async () => {
      const other = await openWorld([cli])
      try {
        other.write("team.yaml", `name: alpha\nagents:\n  one: ${agent}\n`)
        await other.well("up", "team.yaml")
        await other.until("one", "idle")
        await other.tell("one", "say I keep salak")
        const original = await other.until("one", "idle")
        other.copy(`${other.home.work}-copy`)
        for (const words of [["restart", "--yes"], ["send", "one", "say hello"], ["down"]]) {
          const refused = await other.reprise(...words)
          must(refused.outcome === "workspace_copied", () => `${words[0]} was ${refused.outcome}: ${refused.message}`)
        }
        await other.well("up", "--as-new")
        await other.until("one", "idle")
        const request = await other.tell("one", "say again")
        must(holdsEarlier(request, "salak"), () => "The copy does not begin with the conversation of the original.")
        must(request.session !== original.session?.id, () => "The copy is in the session of the original.")
        await other.well("down")
        must(lives(original.pid ?? 0), () => "The process of the original was ended.")
      } finally {
        await other.close()
      }
    })
  })
