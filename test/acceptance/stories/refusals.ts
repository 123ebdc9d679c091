import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { bareCommand } from "../command-lines.ts"
import { putScript } from "../home.ts"
import { known, sessionOf, teamFile } from "../providers.ts"
import { eventually, lives, processesOf } from "../terminal.ts"
import { openWorld, type World } from "../world.ts"
import { mustBeAlone } from "./team.ts"

/** Ends the agent's processes by their pids, its own server and home left as they are. */
const kill = async (world: World, pid: number): Promise<void> => {
  process.kill(pid, "SIGKILL")
  await eventually(`the end of process ${pid}`, () => !lives(pid))
}

const nothingStarted = async (world: World, run: () => Promise<void>): Promise<void> => {
  const before = world.events().filter(({ type }) => type === "operation.step").length
  await run()
  const after = world.events().filter(({ type }) => type === "operation.step").length
  must(after === before, () => `${after - before} steps were begun all the same.`)
}

/** Transcripts that are gone, and a conversation that somebody else has open. */
export const conversations = (claims: Claims): Promise<void> =>
  claims.story("conversations that cannot be resumed", ["resume"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    try {
      world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli } }))
      await world.well("up", "team.yaml")
      await world.until("one", "idle")
      await world.tell("one", "say I keep quandong")
      const agent = await world.until("one", "idle")
      const session = sessionOf(agent)
      const transcript = agent.session?.transcript
      if (transcript === null || transcript === undefined) throw new Error("The transcript is not known.")
      await kill(world, agent.pid ?? 0)
      await claim("resume", "a session that a person has open elsewhere is not started twice", async () => {
        const pane = world.terminal.start([cli.program, ...bareCommand(cli.cli, { resume: session })])
        await world.terminal.shows(pane, known[cli.cli].ready)
        const pid = world.terminal.pid(pane)
        await nothingStarted(world, async () => {
          const refused = await world.reprise("restart")
          must(!refused.ok, () => `It was ${refused.outcome}.`)
          must(refused.said.includes(session) || refused.said.includes(String(pid)), () => `It does not say who: ${refused.message}`)
        })
        must(lives(pid), () => "The person's process was ended.")
        mustBeAlone(world, session)
        await kill(world, pid)
      })
      const refused = async (words: RegExp) =>
        await nothingStarted(world, async () => {
          const answer = await world.reprise("restart")
          must(!answer.ok && words.test(answer.message), () => `It was ${answer.outcome}: ${answer.message}`)
        })
      await claim("resume", "an emptied transcript is refused as that", async () => {
        const whole = readFileSync(transcript)
        truncateSync(transcript, 0)
        await refused(/truncated|empty/)
        writeFileSync(transcript, whole)
      })
      await claim("resume", "a deleted transcript is refused as that", async () => {
        rmSync(transcript)
        await refused(/deleted/)
      })
    } finally {
      await world.close()
    }
  })

/** What speaks against a start is said before anything is touched. */
export const starts = (claims: Claims): Promise<void> =>
  claims.story("starts that must be refused or warned of", ["fresh", "ready"], async () => {
    const { claim, cli } = claims
    const program = cli.program
    await claim("fresh", "a CLI that is not installed is refused by name", async () => {
      const world = await openWorld([])
      try {
        world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli } }))
        const refused = await world.reprise("up", "team.yaml")
        must(!refused.ok && refused.message.includes(program), () => `It was ${refused.outcome}: ${refused.message}`)
        must(processesOf(world.home).length === 0, () => "Something was started.")
      } finally {
        await world.close()
      }
    })
    await claim("fresh", "a version beyond the proved one is warned of", async () => {
      const world = await openWorld([cli])
      try {
        const newer = "999.0.0"
        const says = cli.cli === "claude" ? `${newer} (Claude Code)` : `codex-cli ${newer}`
        putScript(world.home.bin, program, `[ "$1" = --version ] && { echo '${says}'; exit; }\nexec '${cli.executable}' "$@"`)
        world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli } }))
        const up = await world.well("up", "team.yaml")
        must(up.said.includes(newer), () => `No word of ${newer}: ${up.said}`)
      } finally {
        await world.close()
      }
    })
    await claim("ready", "a CLI that nobody is logged in to is told as that, not as a crash", async () => {
      const world = await openWorld([cli], { loggedOut: [cli.cli] })
      try {
        world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli } }))
        const refused = await world.reprise("up", "team.yaml")
        must(!refused.ok, () => `It was ${refused.outcome}.`)
        must(/log(ged)?[ -]?in|sign(ed)? in|auth/i.test(refused.said), () => `No word of a login: ${refused.said}`)
      } finally {
        await world.close()
      }
    })
  })

/** What a CLI says is wrong while it lives: a login that is refused, a usage limit. */
export const troubles = (claims: Claims): Promise<void> =>
  claims.story("what a CLI says is wrong", ["state", "resume"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    const trouble = async (id: string, kind: string) => {
      let last = ""
      return await eventually(`${id} being said to have ${kind}`, async () => {
        const agent = await world.agent(id)
        last = JSON.stringify(agent)
        return agent.failure?.kind === kind ? agent.failure : null
      }, { instead: () => last })
    }
    try {
      world.write("team.yaml", teamFile("alpha", { one: { cli: cli.cli }, two: { cli: cli.cli } }))
      await world.well("up", "team.yaml")
      await claim("state", "a login that the model refuses is told as that", async () => {
        await world.tell("one", "error 401")
        await trouble("one", "auth")
      })
      await claim("state", "a usage limit is told as that", async () => {
        await world.tell("two", "error 429 reset 7200")
        const { retryAt } = await trouble("two", "usage_limit")
        // With a key Claude Code shows no time; with an account it does.
        must(cli.cli === "claude" || Date.parse(retryAt ?? "") > Date.now(), () => `It can go on at ${retryAt}.`)
      })
      await claim("resume", "a restart at a usage limit and a refused login resumes both", async () => {
        await world.powerCut()
        const restarted = await world.well("restart")
        must(restarted.exit === 0 && restarted.agents.every(({ result }) => result === "resumed"), () => restarted.message)
        for (const id of ["one", "two"]) await world.until(id, "idle")
      })
      await claim("state", "a model that is not there is told as that", async () => {
        await world.tell("one", "error 404")
        await trouble("one", "unknown")
      })
      await claim("state", "a model without capacity is told of, while it is tried again too", async () => {
        await world.tell("two", "error 529")
        await trouble("two", "unknown")
      })
      await claim("state", "a server that can't be reached is told of", async () => {
        await world.until("one", "idle")
        await world.tell("one", "say it works")
        await world.until("one", "idle")
        must((await world.agent("one")).failure === null, () => "The failure of before is told as one of now.")
        await world.mock.close()
        await world.well("send", "one", "say where are you")
        await trouble("one", "unknown")
      })
    } finally {
      await world.close()
    }
  })
