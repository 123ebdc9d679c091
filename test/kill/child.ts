import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { createInterface } from "node:readline"
import { builtins } from "../../sdk/builtins.ts"
import { TeamKey } from "../../sdk/domain/ids.ts"
import { EventLog } from "../../sdk/event-log/EventLog.ts"
import { layer as eventLog } from "../../sdk/event-log/EventLogSqlite.ts"
import * as Launch from "../../sdk/lifecycle/Launch.ts"
import { HostEnvironment } from "../../sdk/lifecycle/operation.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import * as Send from "../../sdk/lifecycle/Send.ts"
import * as Shutdown from "../../sdk/lifecycle/Shutdown.ts"
import * as Status from "../../sdk/lifecycle/Status.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import { PluginHostLive } from "../../sdk/plugin/host/PluginHostLive.ts"
import { readTeamFile } from "../../sdk/spec/team-file.ts"
import { workspacePaths } from "../../sdk/spec/workspace.ts"
import { dieAtStep } from "../../sdk/testing/index.ts"
import { Answer, Order } from "./orders.ts"
import { policies } from "./policies.ts"

// The process that is killed: it composes the SDK with a log that dies at a step, and does what it is told, an order a
// line. Each order opens the log and the plugins anew, as a command would.

const [workspace = ""] = process.argv.slice(2)
const env = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])
)
const team = TeamKey.make("alpha")

const world = (order: Order) => {
  const log = eventLog({ directory: workspacePaths(workspace).runtime })
  return Layer.mergeAll(
    order.death === undefined ? log : dieAtStep(order.death).pipe(Layer.provide(log)),
    PluginHostLive.layer({ workspace, specs: [], consents: [], builtins, env }),
    Layer.succeed(HostEnvironment, env)
  ).pipe(Layer.provideMerge(NodeContext.layer))
}

interface Report {
  readonly outcome: string
  readonly ok: boolean
  readonly message: string
  readonly agents: Answer["agents"]
}

const optionsOf = ({ agents, onlyDead = false, unfinished }: Order): Restart.RestartOptions => ({
  ...agents === undefined ? {} : { agents },
  onlyDead,
  ...unfinished === undefined ? {} : { unfinished }
})

const act = Effect.fnUntraced(function*(order: Order) {
  switch (order.verb) {
    case "up": {
      const file = yield* readTeamFile(`${workspace}/team.yaml`, { workspace })
      const report: Report = yield* Launch.up(file, { workspace, transport: "tmux", plugins: [] })
      return report
    }
    case "restart": {
      const report: Report = yield* Restart.restart(team, policies[order.policy ?? "standard"], optionsOf(order)).pipe(
        Effect.provide(Grants.discardContext("a test lets it go"))
      )
      return report
    }
    case "explain": {
      const plan = yield* Restart.plan(team, policies[order.policy ?? "standard"], optionsOf(order))
      const report: Report = { outcome: plan.refusal?.outcome ?? "planned", ok: plan.refusal === null, message: Restart.explain(plan), agents: [] }
      return report
    }
    case "down": {
      const report: Report = yield* Shutdown.down(team)
      return report
    }
    case "status": {
      const { agents } = yield* Status.status(team)
      const report: Report = { outcome: "ok", ok: true, message: "", agents }
      return report
    }
    case "send": {
      const sent = yield* Effect.forEach(order.agents ?? [], (agent) => Send.send(team, agent, order.text ?? ""), {
        concurrency: 4
      })
      const report: Report = {
        outcome: sent.every(({ outcome }) => outcome === "submitted") ? "submitted" : "not all were submitted",
        ok: sent.every(({ outcome }) => outcome === "submitted"),
        message: sent.map(({ message }) => message).join(" "),
        agents: []
      }
      return report
    }
  }
})

const answerTo = (order: Order): Effect.Effect<Answer> =>
  Effect.gen(function*() {
    const { agents, message, ok, outcome } = yield* act(order)
    const state = yield* Effect.flatMap(EventLog, (log) => log.state(team))
    return { outcome, ok, message, agents, state: Option.getOrNull(state) } satisfies Answer
  }).pipe(
    Effect.provide(world(order)),
    Effect.catchAllCause((cause) => {
      const error = Cause.squash(cause)
      const tag = typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : "defect"
      return Effect.succeed({ outcome: tag, ok: false, message: Cause.pretty(cause), agents: [], state: null })
    })
  )

const serve = async (): Promise<void> => {
  process.stdout.write("ready\n")
  for await (const line of createInterface({ input: process.stdin })) {
    const order = Schema.decodeUnknownSync(Schema.parseJson(Order))(line)
    const answer = await Effect.runPromise(answerTo(order))
    process.stdout.write(`${Schema.encodeSync(Schema.parseJson(Answer))(answer)}\n`)
  }
}
void serve()
