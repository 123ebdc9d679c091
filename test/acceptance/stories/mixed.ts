import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import type { Installed } from "../install.ts"
import { sessionOf, teamFile } from "../providers.ts"
import { openWorld } from "../world.ts"
import { askForMemory, mustBeAlone } from "./team.ts"

const policy = `import { Policy } from "reprise"

export default Policy.perAgent({ one: Policy.resume }, { otherwise: Policy.resume })
`

/** A team of several CLIs under one policy; told of the CLI that it is run for, and run only where there are two. */
export const mixed = (claims: Claims, installed: ReadonlyArray<Installed>): Promise<void> =>
  installed.length < 2 || installed[0]?.cli !== claims.cli.cli ? Promise.resolve() : claims.story(
    "a team of several CLIs",
    ["resume"],
    async () => {
      const { claim } = claims
      const world = await openWorld(installed)
      try {
        const agents = Object.fromEntries(
          installed.flatMap(({ cli }) => [[`${cli}-1`, { cli }], [`${cli}-2`, { cli }]] as const)
        )
        world.write("team.yaml", teamFile("mixed", agents))
        world.write("policy.ts", policy.replace("one:", `"${installed[0]?.cli}-*":`))
        await claim("resume", "a mixed team comes back under one policy, each with its own memory", async () => {
          await world.well("up", "team.yaml")
          const words: Record<string, string> = {}
          for (const [index, id] of Object.keys(agents).entries()) {
            words[id] = ["quandong", "medlar", "rambutan", "durian"][index] ?? `fruit-${index}`
            await world.until(id, "idle")
            await world.tell(id, `say I keep ${words[id]}`)
          }
          for (const id of Object.keys(agents)) await world.until(id, "idle")
          const before = (await world.well("status")).agents.map(sessionOf)
          await world.powerCut()
          const restarted = await world.well("restart", "--policy", `${world.home.work}/policy.ts`)
          must(restarted.outcome === "restarted", () => `It was ${restarted.outcome}: ${restarted.message}`)
          must(restarted.agents.map(sessionOf).join() === before.join(), () => "They are in other sessions.")
          for (const session of before) mustBeAlone(world, session)
          await askForMemory(world, words)
        })
      } finally {
        await world.close()
      }
    }
  )
