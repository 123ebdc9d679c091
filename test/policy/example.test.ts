// A careful restart, as a user would write it, on processes of the fake provider.
import { assert, it } from "@effect/vitest"
import { hasTmux, openWorld } from "../docs/world.ts"

const team = `name: alpha
defaults: { provider: fake }
agents:
  scribe: { role: Writes things down }
  coder-1: { role: Engineer }
  coder-2: { role: Engineer }
  tester: { role: Engineer }
`

const careful = (approvals: string) => `import { Approvals, Grants, Policy, Restart, Rollout, run, Schedule } from "reprise"

const policy = Policy.perAgent({
  scribe: Policy.fresh, // may drop a conversation: asks for DiscardContext
  "coder-*": Policy.resume.pipe(
    Policy.orElse(Policy.freshIfNeverMessaged), // drops nothing: asks for no grant
    Policy.withBackoff(Schedule.exponential("200 millis"), { times: 4 })
  )
}, { otherwise: Policy.resume }).pipe(
  Policy.convergeWithin("12 seconds"),
  Policy.withBudget({ restarts: 3, per: "10 minutes", exceeded: Policy.escalate("leader") }),
  Policy.withApproval("restart the whole team?"), // asks for Approvals
  Policy.rollout(Rollout.canary("coder-1").then(Rollout.rolling({ batch: 2, healthyFor: "1 second" })))
)

run(Restart.restart("alpha", policy), {
  provide: [Grants.discardContext("the scribe keeps no state"), ${approvals}]
})
`

const policyFile = `import { Policy } from "reprise"

export default Policy.resume.pipe(Policy.withApproval("restart the whole team?"))
`

it.runIf(hasTmux)("asks, and then goes canary first, each agent in its conversation and the scribe anew", async () => {
  const world = openWorld("unused")
  try {
    world.write("team.yaml", team)
    world.write("careful.ts", careful("Approvals.terminal"))
    world.write("approved.ts", careful("Approvals.always"))
    world.write("policy.ts", policyFile)
    const up = await world.run("npx tsx scripts/up.ts")
    assert.strictEqual(up.code, 0, up.out)
    const sent = await world.run(`npx tsx scripts/send.ts coder-1 "keep the comments"`)
    assert.strictEqual(sent.code, 0, sent.out)

    const asked = await world.run("npx tsx careful.ts")
    assert.strictEqual(asked.code, 1, asked.out)
    assert.include(asked.out, "there is nobody at a terminal. No process was touched.")
    const file = await world.run("npx tsx scripts/restart.ts --policy policy.ts --json")
    assert.strictEqual(file.code, 1, file.out)
    assert.include(file.out, "approval_unavailable")
    const planned = await world.run("npx tsx scripts/restart.ts --policy policy.ts --dry-run")
    assert.strictEqual(planned.code, 0, planned.out)
    assert.include(planned.out, "asks first: restart the whole team?")

    const done = await world.run("npx tsx approved.ts")
    assert.strictEqual(done.code, 0, done.out)
    assert.include(done.out, "4 agents of team alpha are back: 3 resumed, 1 started anew.")
    const log = await world.run("npx tsx scripts/log.ts --type operation.step")
    const ready = log.out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
      .filter(({ generation, phase, step }) => generation === 2 && step === "ready" && phase === "result").map(({ agent }) => String(agent))
    assert.strictEqual(ready[0], "coder-1")
    assert.sameMembers(ready, ["coder-1", "coder-2", "scribe", "tester"])
  } finally {
    await world.close()
  }
}, 300_000)
