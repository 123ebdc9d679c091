// Commands that would interrupt agents at work: refused without a terminal, asked for once at one.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { builtCommand } from "../house/built.ts"
import { type Answer, type Box, hasTmux, openBox } from "./box.ts"
import { openTerminal } from "./terminal.ts"

const team = `name: alpha
defaults: { provider: fake }
agents:
  planner: { role: Planner, options: { turn: 600000 } }
  coder-1: { role: Engineer }
`

describe.skipIf(!hasTmux)("agents at work", () => {
  let command: string
  let box: Box
  const pids = (answer: Answer) => JSON.stringify(answer["agents"]).match(/"pid":\d+/g)

  beforeAll(async () => {
    command = await builtCommand()
    box = openBox(command)
    box.write("work/team.yaml", team)
    assert.strictEqual((await box.run(["up"])).code, 0)
    assert.strictEqual((await box.ask(["send", "planner", "fix the parser"])).ok, true)
  })
  afterAll(async () => {
    await box.close()
  })

  const untouched = async (args: ReadonlyArray<string>) => {
    const before = pids(await box.ask(["status"]))
    const answer = await box.ask(args)
    assert.deepStrictEqual([answer.code, answer.ok, answer.outcome], [1, false, "confirmation_required"], answer.message)
    assert.match(answer.message, /planner.*"fix the parser"/)
    assert.notInclude(answer.message, "coder-1")
    assert.match(answer.next[0] ?? "", / --yes$/)
    assert.deepStrictEqual(pids(await box.ask(["status"])), before)
    return answer
  }

  it("are not interrupted by a restart, a plan that is applied, or a down that no person confirmed", async () => {
    await untouched(["restart"])
    await untouched(["restart", "planner"])
    await untouched(["restart", "--allow-fresh"])
    await untouched(["down"])
    assert.strictEqual((await box.ask(["restart", "--plan-out", "plan.json"])).ok, true)
    await untouched(["apply", "plan.json"])
    const plain = await box.run(["restart"])
    assert.strictEqual(plain.code, 1)
    assert.match(plain.err, /would interrupt an agent at work. planner: .*Next: reprise restart --team alpha --yes/s)
  })

  it("do not keep the others from a restart", async () => {
    const answer = await box.ask(["restart", "coder-1"])
    assert.deepStrictEqual([answer.code, answer.outcome], [0, "restarted"], answer.message)
  })

  it("are asked about once at a terminal, and left alone after a no", async () => {
    const terminal = openTerminal(box, command)
    try {
      const before = pids(await box.ask(["status"]))
      await terminal.type(["restart"], /Restart them all the same\? \[y\/N\]/, "n")
      assert.match(await terminal.ended(), /It was not confirmed[^]*exit 1/)
      await terminal.type(["down"], /Do it all the same\? \[y\/N\]/, "n")
      await terminal.ended()
      assert.deepStrictEqual(pids(await box.ask(["status"])), before)
    } finally {
      terminal.close()
    }
  })

  it("are interrupted with --yes", async () => {
    const restarted = await box.ask(["restart", "--yes"])
    assert.deepStrictEqual([restarted.code, restarted.outcome], [0, "restarted"], restarted.message)
    assert.strictEqual((await box.ask(["send", "planner", "once more"])).ok, true)
    const down = await box.ask(["down", "--yes"])
    assert.deepStrictEqual([down.code, down.outcome], [0, "stopped"], down.message)
  })
})
