import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { known, teamFile } from "../providers.ts"
import { openWorld } from "../world.ts"

/** An open dialog takes a pasted message and Enter for "yes": nothing may be typed into it. */
export const approval = (claims: Claims): Promise<void> =>
  claims.story("an approval dialog", ["approval"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    const made = join(world.home.work, "made.txt")
    try {
      world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli, permissions: known[cli.cli].asking } }))
      await world.well("up", "team.yaml")
      await world.until("one", "idle")
      await claim("approval", "the dialog is recognised", async () => {
        await world.tell("one", `ask touch ${made}`)
        const agent = await world.until("one", "awaiting_approval")
        must(!existsSync(made), () => "The command was run without being approved.")
        return agent
      })
      await claim("approval", "a message that is sent meanwhile is not typed", async () => {
        const sent = await world.reprise("send", "one", "say yes please")
        must(sent.outcome === "accepted", () => `It was ${sent.outcome}: ${sent.message}`)
        await world.until("one", "awaiting_approval")
        must(!existsSync(made), () => "The message approved the command.")
        must(world.mock.requests.saying("yes please").length === 0, () => "The message reached the model.")
      })
      await claim("approval", "a restart brings it back with nothing approved", async () => {
        await world.powerCut()
        const answer = await world.well("restart")
        must(answer.agents[0]?.result === "resumed", () => answer.message)
        must(!existsSync(made), () => "The restart approved the command.")
      })
    } finally {
      await world.close()
    }
  })
