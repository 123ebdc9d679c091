// A plan as data: written down, read again, carried out while its facts hold, and refused once they do not.
import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Approvals from "../../sdk/policy/Approvals.ts"
import * as Grants from "../../sdk/policy/Grants.ts"
import * as Policy from "../../sdk/policy/Policy.ts"
import * as Rollout from "../../sdk/policy/Rollout.ts"
import * as Restart from "../../sdk/lifecycle/Restart.ts"
import { eventually, makeWorld, type World } from "./world.ts"

const withoutGrant = [Grants.notGiven, Approvals.never] as const

/** A plan of the policy, as it comes out of its file. */
const written = <E, R>(world: World, policy?: Policy.AnyPolicy<E, R>, options: Restart.RestartOptions = {}) =>
  Effect.gen(function*() {
    const document = Restart.documentOf(yield* world.plan(policy, options), { command: "reprise restart --team alpha" })
    const read = yield* Restart.parseDocument(Restart.textOfDocument(document))
    assert.deepStrictEqual(read, document)
    return read
  })

const apply = (world: World, document: Restart.PlanDocument, options: Restart.ApplyOptions = {}) =>
  world.run(Restart.apply(document, options)).pipe(Effect.provide(withoutGrant))

/** What a refused plan leaves: no event, no process touched. */
const leavesNoTrace = <A, E, R>(world: World, refused: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const [position, touched, living] = [yield* world.log.position, world.touches(), world.living()]
    const answer = yield* refused
    assert.strictEqual(yield* world.log.position, position, "an event was written")
    assert.strictEqual(world.touches(), touched, "a process was touched")
    assert.deepStrictEqual(world.living(), living)
    return answer
  })

/** The plan is refused for what changed, with nothing touched. */
const stale = (world: World, document: Restart.PlanDocument) =>
  Effect.gen(function*() {
    const report = yield* leavesNoTrace(world, apply(world, document))
    assert.strictEqual(report.outcome, "refused_plan_stale", report.message)
    assert.isFalse(report.ok)
    assert.match(report.message, /No process was touched\. Make it again\.$/)
    const differences: unknown = report.details["differences"]
    if (!Array.isArray(differences)) return yield* Effect.dieMessage("there are no differences")
    for (const { says } of differences) assert.include(report.message, says)
    return differences.map(({ agent, member }) => `${agent ?? "team"} ${member}`)
  })

describe("a plan as data", () => {
  it.scopedLive("says what is decided, why, in which order, by which steps, and what is asked for", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, idle: { paused: true } })
      const policy = Policy.resumeOrFresh.pipe(
        Policy.withGrace("3 seconds"),
        Policy.withBudget({ restarts: 3, per: "10 minutes", exceeded: Policy.escalate("leader") }),
        Policy.withApproval("restart them?"),
        Policy.rollout(Rollout.canary("two", { healthyFor: "1 second" }).then(Rollout.rolling({ batch: 2 })))
      )
      const document = yield* written(world, policy)
      assert.deepStrictEqual(document.requires, ["discard-context", "approvals"])
      assert.deepStrictEqual(document.gates, ["restart them?"])
      assert.deepStrictEqual(document.policy.budgets, [{ restarts: 3, perMs: 600_000, scope: "agent" }])
      assert.deepStrictEqual(document.batches, [{ agents: ["two"], healthyForMs: 1000 }, { agents: ["one"], healthyForMs: 0 }])
      assert.isTrue(document.portable)
      assert.deepStrictEqual(document.notPortable, [])
      const [one, two, idle] = document.agents
      assert.deepStrictEqual([one?.decision.kind, one?.graceMs], ["resume", 3000])
      assert.strictEqual(one?.decision.session?.id, (yield* world.agent("one")).session?.id)
      assert.deepStrictEqual(one?.steps.map(({ name }) => name), ["stop", "spawn", "ready"])
      assert.deepStrictEqual(two?.steps.map(({ name }) => name), ["stop", "spawn", "ready", "healthy"])
      assert.deepStrictEqual([idle?.decision.kind, idle?.decision.why, idle?.steps], ["skip", ["it is paused in the team file"], []])
      assert.strictEqual(document.facts.lifecycleVersion, (yield* world.team()).lifecycleVersion)
    }))

  it.scopedLive("is the same for the same facts, byte for byte, and writes nothing", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: { provider: "found" } })
      yield* world.firstSend("one")
      // A death that nobody wrote down yet.
      yield* world.kill("one")
      const once = yield* leavesNoTrace(world, Effect.map(world.plan(), Restart.documentOf))
      yield* Effect.sleep(20)
      const again = yield* leavesNoTrace(world, Effect.map(world.plan(), Restart.documentOf))
      assert.strictEqual(Restart.textOfDocument(again), Restart.textOfDocument(once))
    }))

  it.effect("is nothing else: a text that is no plan is told from one", () =>
    Effect.gen(function*() {
      for (const [text, said] of [
        ["", /it is no JSON \(Unexpected end of JSON input\)/],
        ["not json", /it is no JSON \(Unexpected token.*\)/],
        ["[]", /it is a list, and has to be a mapping/],
        ["null", /it is nothing, and has to be a mapping/],
        ["{}", /schema is missing/],
        [`{"schema":"reprise.plan/2"}`, /schema is "reprise\.plan\/2", and has to be "reprise\.plan\/1"/]
      ] as const) {
        const { message } = yield* Effect.flip(Restart.parseDocument(text))
        assert.match(message, new RegExp(`^This is no plan that can be read: ${said.source}\\. Nothing was done\\.$`))
      }
    }))

  it.scopedLive("says of a wrong shape what is wrong and where, before it asks whether it was changed", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const text = Restart.textOfDocument(yield* written(world))
      const twice: { agents: Array<unknown> } = JSON.parse(text)
      twice.agents.push(twice.agents[0])
      for (const [changed, said] of [
        [text.replace("\"kind\": \"resume\"", "\"kind\": \"explode\""), `agents.0.decision.kind is "explode", and has to be "resume", "fresh_start", "skip" or "refuse"`],
        [text.replace("\"agents\": \"all\"", "\"agents\": \"some\""), `requested.agents is "some", and has to be "all" or a list`],
        [text.replace("\"atomic\": true", "\"atomic\": 1"), "policy.atomic is the number 1, and has to be true or false"],
        [text.replace(/"concurrency": \d+/, "\"concurrency\": -1"), "requested.concurrency is the number -1, and has to be a positive number"],
        [text.replace(/"lifecycleVersion": \d+,?/, ""), "facts.lifecycleVersion is missing"],
        [JSON.stringify(twice), `agents.2.id is "one" a second time`]
      ] as const) {
        const { message } = yield* Effect.flip(Restart.parseDocument(changed))
        assert.strictEqual(message, `This is no plan that can be read: ${said}. Nothing was done.`)
      }
    }))
})

describe("a plan that somebody changed", () => {
  it.scopedLive("is none, whatever was changed, and as it was it is one however it is laid out", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const policy = Policy.standard.pipe(Policy.withApproval("all of them?"), Policy.rollout(Rollout.rolling({ batch: 1 })))
      const text = Restart.textOfDocument(yield* written(world, policy))
      for (const [was, is] of [
        ["\"all of them?\"", ""],
        ["\"approvals\"", ""],
        ["\"atomic\": true", "\"atomic\": false"],
        ["\"batch\": 1", "\"batch\": 2"],
        ["\"takeover\": false", "\"takeover\": true"],
        [/"digest": "[^"]*"/, "\"digest\": \"\""]
      ] as const) {
        assert.notStrictEqual(text.replace(was, is), text)
        const { message } = yield* Effect.flip(Restart.parseDocument(text.replace(was, is)))
        assert.match(message, /: it was changed since it was made, so it is not what was explained; make it again\. Nothing was done\.$/)
      }
      yield* Restart.parseDocument(JSON.stringify(JSON.parse(text)))
    }))
})

describe("a plan that is applied", () => {
  it.scopedLive("brings back whom it says, in their conversations, as one journaled operation", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const before = yield* world.team()
      const from = before.position
      const document = yield* written(world, undefined, { agents: ["one"] })
      const report = yield* apply(world, document)
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual(report.agents.map(({ id, result }) => [id, result]), [["one", "resumed"], ["two", "untouched"]])
      const after = yield* world.team()
      assert.deepStrictEqual(after.agents.map(({ session }) => session?.id), before.agents.map(({ session }) => session?.id))
      assert.includeMembers([...yield* world.order(from)], [
        "restart.resume_decision",
        "operation.started",
        "operation.step stop intent",
        "operation.step spawn result",
        "operation.step ready result",
        "operation.finished"
      ])
      assert.strictEqual((yield* world.events("operation.started")).at(-1)?.policy, document.policy.description)
    }))

  it.scopedLive("asks for its grants when it is applied", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      const document = yield* written(world, Policy.fresh)
      const touched = world.touches()
      const refused = yield* apply(world, document)
      assert.strictEqual(refused.outcome, "grant_missing", refused.message)
      assert.strictEqual(world.touches(), touched)
      // What was decided is in the log now, and no fact is another for it.
      const report = yield* world.run(Restart.apply(document)).pipe(
        Effect.provide([Grants.discardContext("a new day"), Approvals.never])
      )
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual((yield* world.events("restart.fresh_spawn")).map(({ reason }) => reason), ["a new day"])
    }))

  it.scopedLive("asks for its approvals when it is applied, and no is no", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const policy = Policy.resume.pipe(Policy.withApproval("now?"))
      const touched = world.touches()
      const document = yield* written(world, policy)
      const answer = yield* Effect.either(apply(world, document))
      assert.isTrue(Either.isLeft(answer) && answer.left._tag === "ApprovalDenied")
      assert.strictEqual(world.touches(), touched)
      const report = yield* world.run(Restart.apply(document)).pipe(
        Effect.provide([Grants.notGiven, Approvals.always])
      )
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.deepStrictEqual((yield* world.events("restart.gate_passed")).map(({ gate }) => gate), ["now?"])
    }))

  it.scopedLive("goes batch after batch, and stops where one fails", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {} })
      const document = yield* written(world, Policy.isolated(Policy.resume).pipe(
        Policy.rollout(Rollout.canary("two").then(Rollout.allAtOnce))
      ))
      world.script.set("two", { exits: 1 })
      const report = yield* apply(world, document)
      assert.deepStrictEqual(report.agents.map(({ id, result }) => `${id} ${result}`), ["one untouched", "two failed", "three untouched"])
    }))

  it.scopedLive("shows its decisions first, and a no there leaves everything untouched", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const document = yield* written(world)
      const touched = world.touches()
      const seen: Array<string> = []
      const answer = yield* world.run(Restart.apply(document, {
        beforeActing: (plan) => Effect.zipRight(Effect.sync(() => seen.push(Restart.table(plan))), Effect.fail("no"))
      })).pipe(Effect.provide(withoutGrant), Effect.either)
      assert.deepStrictEqual(answer, Either.left("no"))
      assert.match(seen.join(), /one\s+assigned, alive\s+resume/)
      assert.strictEqual(world.touches(), touched)
    }))
})

describe("a plan that was overtaken", () => {
  it.scopedLive("by another restart", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const document = yield* written(world)
      assert.strictEqual((yield* apply(world, document)).outcome, "restarted")
      const changed = yield* stale(world, document)
      assert.includeMembers(changed, ["team lifecycleVersion", "one generation", "one pid", "two generation", "two pid"])
    }))

  it.scopedLive("by a death, a message, a transcript that went away", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {}, three: {}, four: {} })
      yield* world.firstSend("three")
      const document = yield* written(world, Policy.isolated(Policy.standard))
      yield* world.kill("one")
      yield* world.firstSend("two")
      Fs.rmSync((yield* world.agent("three")).session?.transcript ?? "")
      const changed = yield* stale(world, document)
      assert.includeMembers(changed, ["one process", "two firstSend", "two spoken", "three resumable"])
      assert.isTrue(changed.every((difference) => !difference.startsWith("four") && !difference.startsWith("team")), changed.join())
    }))

  it.scopedLive("by a changed team file: who is new, who went, who is started otherwise", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, two: {} })
      const document = yield* written(world)
      yield* world.kill("one", "two")
      yield* world.up("alpha", { one: { role: "Lead" }, three: {} })
      const changed = yield* stale(world, document)
      assert.includeMembers(changed, ["one spec", "two present", "three present"])
    }))

  it.scopedLive("by somebody who changed the file: it gives no leave to lose anything", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      yield* world.firstSend("one")
      const changed = (document: Restart.PlanDocument, decision: Partial<Restart.PlanDocument["agents"][number]["decision"]>) => ({
        ...document,
        agents: document.agents.map((agent) => ({ ...agent, gates: [], decision: { ...agent.decision, ...decision } })),
        requires: []
      })
      const resumed = yield* written(world)
      const anew = yield* written(world, Policy.fresh)
      assert.deepStrictEqual(yield* stale(world, changed(resumed, { kind: "fresh_start", session: null })), ["one decision"])
      assert.deepStrictEqual(yield* stale(world, changed(anew, { requires: [] })), ["one decision"])
      const ungranted = yield* apply(world, changed(anew, {}))
      assert.strictEqual(ungranted.outcome, "grant_missing", ungranted.message)
    }))

  it.scopedLive("is told before anything is asked, and by a plan in hand too", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const plan = yield* world.plan(Policy.isolated(Policy.standard))
      yield* world.restart()
      Fs.rmSync((yield* world.agent("one")).session?.transcript ?? "")
      const report = yield* world.run(Restart.execute(plan))
      assert.strictEqual(report.outcome, "refused_plan_stale", report.message)
      assert.match(report.message, /one: the decision was resume of session \S+ and is refuse/)
    }))
})

describe("a plan with programs in it", () => {
  const careful = Policy.resume.pipe(
    Policy.withGate("the build is green", Effect.succeed("it is")),
    Policy.verify(Effect.void, "it answers"),
    Policy.workStillOpen(Effect.succeed(true)),
    Policy.withBackoff(Schedule.spaced("5 millis"), { times: 2 })
  )

  it.scopedLive("says which, and is refused with the command that has them", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {}, idle: { paused: true } })
      const document = yield* written(world, careful)
      assert.isFalse(document.portable)
      assert.deepStrictEqual(document.notPortable, [
        "one: the build is green",
        "one: work still open",
        "one: it answers",
        "one: tried again 2 times"
      ])
      const answer = yield* leavesNoTrace(world, Effect.flip(apply(world, document)))
      assert.strictEqual(answer._tag, "PlanNotPortable")
      assert.match(answer.message, /the build is green.*only the command that made it can carry it out\. Nothing was done\./)
      // What somebody struck out of the list is named by its agent all the same.
      const struck = yield* leavesNoTrace(world, Effect.flip(apply(world, { ...document, portable: true, notPortable: [] })))
      assert.deepInclude(struck, {
        _tag: "PlanNotPortable",
        programs: ["one: the build is green", "one: work still open", "one: it answers"]
      })
    }))

  it.scopedLive("is carried out by a script that gives them by their names", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld()
      yield* world.up("alpha", { one: {} })
      const document = yield* written(world, Policy.resume.pipe(
        Policy.withGate("the build is green", Effect.succeed("it is")),
        Policy.verify(Effect.void, "it answers")
      ))
      const half = { gates: { "the build is green": Effect.succeed("it was asked again") } }
      assert.deepInclude(yield* Effect.flip(apply(world, document, half)), { programs: ["one: it answers"] })
      const all = { gates: { ...half.gates, "it answers": Effect.fail("it does not") } }
      const report = yield* world.run(Restart.apply(document, all)).pipe(Effect.provide(withoutGrant))
      assert.deepStrictEqual(report.agents.map(({ failure, result }) => [result, failure?.kind]), [["failed", "verify_failed"]])
      assert.deepStrictEqual((yield* world.events("restart.gate_passed")).map(({ said }) => said), ["it was asked again"])
    }))
})

describe("an interrupted operation", () => {
  /** A restart that is cut off while the second of three agents starts anew. */
  const interrupted = Effect.gen(function*() {
    const world = yield* makeWorld()
    yield* world.up("alpha", { one: {}, two: {}, three: {} })
    const sessions = (yield* world.team()).agents.map(({ session }) => session?.id)
    world.script.set("two", { hangs: true })
    const first = yield* Effect.fork(
      Effect.provide(world.restart(Policy.fresh, { concurrency: 1 }), Grants.discardContext("a rehearsal"))
    )
    yield* eventually(Effect.sync(() => world.spawnsOf("two").length === 2))
    yield* Fiber.interrupt(first)
    world.script.delete("two")
    return { world, sessions }
  })

  it.scopedLive("is explained before it is continued", () =>
    Effect.gen(function*() {
      const { world } = yield* interrupted
      const plan = yield* leavesNoTrace(world, world.plan(Policy.standard, { unfinished: "continue" }))
      const said = Restart.explain(plan)
      assert.match(said, /continued: the restart \S+ of \S+; whom it brought back and who lives is left alone/)
      assert.match(said, /one: .*ready ended/)
      assert.match(said, /two: .*ready begun, and the end not recorded/)
      assert.match(said, /three: nothing was begun/)
      assert.match(said, /instead: reprise restart --team alpha --rollback/)
      assert.match(said, /1\. two, three, together/)
      assert.deepInclude(Restart.unfinishedOf(plan), { does: "continue", kind: "restart" })
    }))

  it.scopedLive("is explained before it is taken back, written down as such, and taken back by its plan", () =>
    Effect.gen(function*() {
      const { sessions, world } = yield* interrupted
      const plan = yield* leavesNoTrace(world, world.plan(Policy.standard, { unfinished: "rollback" }))
      const said = Restart.explain(plan)
      assert.match(said, /taking back the interrupted operation/)
      assert.match(said, /taken back: the restart \S+ of \S+; who lived before it \(one, two, three\) lives again/)
      assert.match(said, new RegExp(`one .*resume +continues session ${sessions[0] ?? ""}`))
      assert.match(said, /instead: reprise restart --team alpha --continue/)
      const document = yield* written(world, Policy.standard, { unfinished: "rollback" })
      const report = yield* apply(world, document)
      assert.strictEqual(report.outcome, "restarted", report.message)
      assert.isNull((yield* world.team()).operation)
      assert.deepStrictEqual((yield* world.team()).agents.map(({ session }) => session?.id), sessions)
      assert.deepStrictEqual(world.living(), ["one", "three", "two"])
      assert.includeMembers(yield* stale(world, document), ["team lifecycleVersion"])
    }))
})
