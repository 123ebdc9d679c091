// reprise demo: a team of fake agents is told things, everything is killed, and the team comes back with its memory.
import * as FileSystem from "@effect/platform/FileSystem"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import {
  HostEnvironment,
  findExecutable,
  Launch,
  Policy,
  readTeamFile,
  RepriseLive,
  Restart,
  Send,
  Shutdown,
  Status
} from "../sdk/index.ts"
import { columns, shortSession } from "./command/agent-table.ts"
import { answerTo, killAgents, killServer, removeDemo } from "./command/demo-world.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

const teamFile = `name: demo
objective: Show that a team comes back with its memory
defaults: { provider: fake }
agents:
  planner: { role: Planner }
  coder-1: { role: Backend engineer }
  coder-2: { role: Frontend engineer, options: { session: at-first-message } }
  scribe: { role: Writes things down }
`

const secrets: Readonly<Record<string, string>> = {
  planner: "we ship on the ninth",
  "coder-1": "the parser keeps comments",
  "coder-2": "the button is orange",
  scribe: "the password hint is a fish"
}

const told = Object.entries(secrets)

const play = (workspace: string, transport: string) =>
  Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    const say = (text: string) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        process.stderr.write(`${((now - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}\n`)
      })
    const files = yield* FileSystem.FileSystem
    yield* files.writeFileString(join(workspace, "team.yaml"), teamFile)
    const file = yield* readTeamFile(join(workspace, "team.yaml"), { workspace, shownAs: "team.yaml" })

    const launched = yield* Launch.up(file, { workspace, transport, plugins: [] })
    yield* say(`${launched.message} (${transport})`)
    for (const [agent, secret] of told) yield* Send.send("demo", agent, secret)
    yield* say("Each agent was told something.")

    yield* killAgents((yield* Status.status("demo")).agents)
    if (launched.attach !== null) yield* killServer(launched.attach)
    const dead = (yield* Status.status("demo")).agents.filter(({ status }) => status === "dead")
    yield* say(`All was killed with -9${launched.attach === null ? "" : ", the tmux server too"}: ${dead.length} of ${told.length} are dead.`)

    const report = yield* Restart.restart("demo", Policy.standard, { interruptBusy: true })
    yield* say(report.message)
    const rows: Array<ReadonlyArray<string>> = []
    let kept = 0
    for (const agent of report.agents) {
      yield* Send.send("demo", agent.id, "recall")
      const secret = secrets[agent.id] ?? ""
      const answer = yield* answerTo("recall", agent.session?.transcript ?? null)
      if (answer === secret) kept += 1
      const [before, after] = [agent.before.session, agent.session?.id].map((id) => id === null || id === undefined ? "-" : shortSession(id))
      const session = `session ${before} -> ${after}`
      rows.push([agent.id, session, agent.result, `says: ${answer}`])
    }
    yield* say("Each agent was asked what it had been told:")
    process.stderr.write(`${columns(rows)}\n`)
    const ended = yield* Shutdown.down("demo", { interruptBusy: true })
    yield* say(ended.message)
    const ok = kept === told.length && report.ok && ended.ok
    return {
      outcome: ok ? "remembered" : "failed",
      ok,
      message: ok
        ? `All ${kept} agents came back with their memory.`
        : `Only ${kept} of ${told.length} agents came back with their memory.`,
      next: [],
      agents: rows
    }
  })

/** The directory of the demo that runs. */
let place: string | undefined

export const verb = defineVerb({
  name: "demo",
  abandon: () => {
    if (place !== undefined) removeDemo(place)
    return "The demo's agents, its tmux server and its directory are removed."
  },
  description: "Shows the main job on a team of fake agents, in a directory of its own that is removed afterwards.",
  config: {},
  run: () =>
    Effect.scoped(Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const { PATH } = yield* HostEnvironment
      const transport = findExecutable("tmux", "/", PATH) !== null ? "tmux" : "pty"
      // The directory names the server and is the place of the agents, so all of it is removed together.
      const workspace = yield* Effect.acquireRelease(
        Effect.flatMap(files.makeTempDirectory({ prefix: "reprise-demo-" }), files.realPath),
        (directory) => Effect.sync(() => removeDemo(directory))
      )
      place = workspace
      return yield* play(workspace, transport).pipe(
        // An interruption is cleaned up after by the verb, which does not wait for a server that was killed.
        Effect.onError((cause) => Cause.isInterrupted(cause) ? Effect.void : Effect.ignore(Shutdown.down("demo", { interruptBusy: true }))),
        Effect.provide(RepriseLive.layer({ workspace }))
      )
    }))
})

runIfStarted(import.meta.url, verb)
