// The tasks of a team: what a file may say of them, and which agents build on which.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { AgentId } from "../../sdk/domain/ids.ts"
import { buildsOn, circleAmong, TaskId, type TaskSpec } from "../../sdk/domain/task.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"

const parse = (tasks: string) =>
  parseTeamFile(`name: a\ndefaults: { provider: fake }\nagents: { planner: {}, coder: {} }\ntasks:\n${tasks}`, {
    file: "team.yaml",
    workspace: "/w"
  })
const complaints = (tasks: string) => parse(tasks).pipe(Effect.flip, Effect.map((error) => error.message.split("\n")))

const task = (id: string, assignee: string | null, ...deps: ReadonlyArray<string>): TaskSpec => ({
  id: TaskId.make(id),
  title: null,
  assignee: assignee === null ? null : AgentId.make(assignee),
  deps: deps.map((dep) => TaskId.make(dep))
})

describe("the tasks of a team file", () => {
  it.effect("are read in their order, with what is not said left open", () =>
    Effect.gen(function*() {
      const { spec } = yield* parse("  plan: { title: Plan it, assignee: planner }\n  code: { assignee: coder, deps: [plan] }\n  idea:\n")
      assert.deepStrictEqual(spec.tasks, [{ ...task("plan", "planner"), title: "Plan it" }, task("code", "coder", "plan"), task("idea", null)])
    }))

  it.effect("may be none at all", () =>
    Effect.gen(function*() {
      const { spec } = yield* parse("  {}\n")
      assert.deepStrictEqual(spec.tasks, [])
    }))

  it.effect("are wrong all at once, each with its place", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* complaints("  Plan: { assignee: planer }\n  code: { deps: [plan], asignee: coder }\n  ship: soon\n"),
        [
          "team.yaml:5:3 tasks.Plan: the id \"Plan\" does not match ^[a-z][a-z0-9-]{0,62}$",
          "team.yaml:5:21 tasks.Plan.assignee: there is no agent \"planer\", did you mean \"planner\"?",
          "team.yaml:6:18 tasks.code.deps.0: there is no task \"plan\", did you mean \"Plan\"?",
          "team.yaml:6:25 tasks.code.asignee: unknown key, did you mean \"assignee\"?",
          "team.yaml:7:9 tasks.ship: expected a mapping of the task's keys, found text"
        ]
      )
    }))

  it.effect("that wait for each other are an error, with the circle named", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* complaints("  ship: { deps: [test] }\n  test: { deps: [code] }\n  code: { deps: [test] }\n"),
        ["team.yaml:6:3 tasks.test: none of these can be done before the others: test -> code -> test"]
      )
      assert.deepStrictEqual(
        yield* complaints("  code: { deps: [code] }\n"),
        ["team.yaml:5:3 tasks.code: none of these can be done before the others: code -> code"]
      )
    }))
})

describe("an agent", () => {
  it("builds on those whose tasks come before its own, at whatever distance, and never on itself", () => {
    const tasks = [
      task("plan", "planner"),
      task("agree", null, "plan"),
      task("code", "coder", "agree"),
      task("test", "coder", "code"),
      task("write", "scribe", "test")
    ]
    assert.deepStrictEqual(
      ["planner", "coder", "scribe", "idler"].map((agent) => buildsOn(tasks, agent).map(String)),
      [[], ["planner"], ["planner", "coder"], []]
    )
  })

  const names = ["a", "b", "c", "d", "e"]
  const graph = FastCheck.tuple(...names.map((id) =>
    FastCheck.record({ assignee: FastCheck.constantFrom("one", "two", "three", null), deps: FastCheck.subarray(names) })
      .map(({ assignee, deps }) => task(id, assignee, ...deps))))

  it("builds on exactly those to whom a path of tasks leads", () => {
    FastCheck.assert(FastCheck.property(graph, FastCheck.constantFrom("one", "two", "three"), (tasks, agent) => {
      // Reached in as many steps as there are tasks, or not at all.
      let reached = new Set(tasks.flatMap(({ assignee, deps }) => assignee === agent ? deps : []).map(String))
      for (const _ of names) reached = new Set([...reached, ...tasks.flatMap(({ deps, id }) => reached.has(id) ? deps : [])])
      const expected = new Set(tasks.flatMap(({ assignee, id }) => reached.has(id) && assignee !== null && assignee !== agent ? assignee : []))
      assert.deepStrictEqual(new Set(buildsOn(tasks, agent)), expected)
    }))
  })

  it("a circle is found where there is one, and only there", () => {
    FastCheck.assert(FastCheck.property(graph, (tasks) => {
      const circle = circleAmong(tasks)
      if (circle === null) {
        // What can be done is done, until nothing is left.
        let left = tasks
        for (const _ of names) left = left.filter(({ deps }) => deps.some((dep) => left.some(({ id }) => id === dep)))
        assert.deepStrictEqual(left, [])
        return
      }
      assert.isAbove(circle.length, 1)
      assert.strictEqual(circle[0], circle.at(-1))
      circle.slice(1).forEach((id, index) => {
        assert.include(tasks.find((one) => one.id === circle[index])?.deps ?? [], id)
      })
    }))
  })
})
