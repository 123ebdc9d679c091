import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { sessionOf, teamFile } from "../providers.ts"
import { eventually, lives } from "../terminal.ts"
import { openWorld } from "../world.ts"
import { askForMemory, mustBeAlone } from "./team.ts"

/** A restart that is killed between one agent and the next: the next one finishes it. */
export const halfway = (claims: Claims): Promise<void> =>
  claims.story("a restart that is killed half-way", ["resume"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    const words = { one: "quandong", two: "medlar" }
    try {
      world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli }, two: { cli: cli.cli } }))
      await world.well("up", "team.yaml")
      for (const [id, word] of Object.entries(words)) {
        await world.until(id, "idle")
        await world.tell(id, `say I keep ${word}`)
        await world.until(id, "idle")
      }
      const sessions = (await world.well("status")).agents.map(sessionOf)
      await claim("resume", "a restart that was killed half-way is finished by the next", async () => {
        await world.powerCut()
        const began = world.events().length
        const restart = world.begin("restart")
        await eventually("a spawn of the restart", () =>
          world.events().slice(began).some(({ phase, step }) => step === "spawn" && phase === "intent") || !lives(restart.pid))
        process.kill(restart.pid, "SIGKILL")
        must(await restart.ended === null, () => "The restart was done before it could be killed.")
        const again = await world.well("restart")
        must(again.outcome === "restarted", () => `It was ${again.outcome}: ${again.message}`)
        const after = await world.well("status")
        must(after.agents.map(sessionOf).join() === sessions.join(), () => `They are in ${after.agents.map(sessionOf).join()}.`)
        for (const session of sessions) mustBeAlone(world, session)
      })
      await claim("resume", "and nothing is forgotten or doubled by it", () => askForMemory(world, words))
    } finally {
      await world.close()
    }
  })
