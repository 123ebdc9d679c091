// What a script may lose, risk and forget stands in its types: the compiler's own words are checked.
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bin, node, temporary } from "../house/clone.ts"
import { root } from "../house/sources.ts"

interface Script {
  readonly text: string
  /** Words of the compiler's complaint; none where the script compiles. */
  readonly complaint?: string
}

const scripts: Readonly<Record<string, Script>> = {
  "drops nothing": { text: `run(Restart.restart("alpha", Policy.standard))` },
  "may drop, without the grant": {
    text: `run(Restart.restart("alpha", Policy.fresh))`,
    complaint: "DiscardContext"
  },
  "may drop, with some other layer": {
    text: `run(Restart.restart("alpha", Policy.fresh), { provide: Approvals.always })`,
    complaint: "DiscardContext"
  },
  "may drop, with a list of other layers": {
    text: `run(Restart.restart("alpha", Policy.fresh), { provide: [Approvals.always, Approvals.never] })`,
    complaint: "DiscardContext"
  },
  "may drop, with the grant": {
    text: `run(Restart.restart("alpha", Policy.fresh), { provide: Grants.discardContext("it keeps no state") })`
  },
  "may drop in one agent's branch": {
    text: `run(Restart.restart("alpha", Policy.perAgent({ scribe: Policy.fresh }, { otherwise: Policy.resume })))`,
    complaint: "DiscardContext"
  },
  "may drop once its budget is spent": {
    text: `run(Restart.restart("alpha", Policy.resume.pipe(
  Policy.withBudget({ restarts: 3, per: "10 minutes", exceeded: Policy.fresh }))))`,
    complaint: "DiscardContext"
  },
  "may drop behind every combinator": {
    text: `run(Restart.restart("alpha", Policy.resume.pipe(
  Policy.when(({ life }) => life === "dead", Policy.fresh), Policy.withGrace("1 second"), Policy.isolated,
  Policy.convergeWithin("1 second"), Policy.rollout(Rollout.allAtOnce), Policy.onBoot("hold"))))`,
    complaint: "DiscardContext"
  },
  "plans and explains what it may not do": {
    text: `const policy = Policy.fresh.pipe(Policy.withApproval("really?"))
run(Effect.map(Restart.plan("alpha", policy), Restart.explain))`
  },
  "asks, and nobody answers": {
    text: `run(Restart.restart("alpha", Policy.resume.pipe(Policy.withApproval("really?"))))`,
    complaint: "Approvals"
  },
  "asks after a boot, and nobody answers": {
    text: `run(Restart.restart("alpha", Policy.resume.pipe(Policy.onBoot("ask"))))`,
    complaint: "Approvals"
  },
  "asks, and somebody answers": {
    text: `run(Restart.restart("alpha", Policy.resume.pipe(Policy.withApproval("really?"))), { provide: Approvals.terminal })`
  },
  "asks for one of two things": {
    text: `run(Restart.restart("alpha", Policy.fresh.pipe(Policy.withApproval("really?"))), { provide: [Approvals.terminal] })`,
    complaint: "DiscardContext"
  },
  "asks for both": {
    text: `run(Restart.restart("alpha", Policy.fresh.pipe(Policy.withApproval("really?"))), {
  provide: [Approvals.terminal, Grants.discardContext("a new day")]
})`
  },
  "has a rollout in an agent's branch": {
    text: `Policy.perAgent({ one: Policy.resume.pipe(Policy.rollout(Rollout.allAtOnce)) }, { otherwise: Policy.resume })`,
    complaint: `Type '"TeamPolicy"' is not assignable to type '"AgentPolicy"'`
  },
  "has a budget in an agent's branch": {
    text: `Policy.perAgent({}, {
  otherwise: Policy.resume.pipe(Policy.withBudget({ restarts: 1, per: "1 hour", exceeded: Policy.none }))
})`,
    complaint: `"TeamPolicy"`
  },
  "has a gate whose service nobody gives": {
    text: `class Ci extends Context.Tag("Ci")<Ci, { readonly green: Effect.Effect<string> }>() {}
run(Restart.restart("alpha", Policy.resume.pipe(Policy.withGate("green", Effect.flatMap(Ci, ({ green }) => green)))))`,
    complaint: "Ci"
  },
  "has checks whose services nobody gives": {
    text: `class Tracker extends Context.Tag("Tracker")<Tracker, { readonly open: Effect.Effect<boolean> }>() {}
run(Restart.restart("alpha", Policy.resume.pipe(
  Policy.workStillOpen(Effect.flatMap(Tracker, ({ open }) => open)), Policy.verify(Effect.void))))`,
    complaint: "Tracker"
  },
  "handles how its gates fail": {
    text: `class Red extends Schema.TaggedError<Red>()("Red", {}) {}
const policy = Policy.perAgent({ one: Policy.resume.pipe(Policy.withGate("green", new Red())) }, { otherwise: Policy.resume })
  .pipe(Policy.withApproval("really?"))
run(Restart.restart("alpha", policy).pipe(
  Effect.map(({ message }) => message),
  Effect.catchTags({ Red: () => Effect.succeed("the build is red"), ApprovalDenied: ({ reason }) => Effect.succeed(reason) })
), { provide: Approvals.terminal })`
  },
  "handles a failure that its gates don't have": {
    text: `run(Restart.restart("alpha", Policy.resume).pipe(Effect.catchTag("ApprovalDenied", () => Effect.void)))`,
    complaint: "No overload matches"
  },
  "takes a budget of days that are none": {
    text: `Policy.withBudget({ restarts: 3, per: "10 fortnights", exceeded: Policy.escalate("leader") })`,
    complaint: "10 fortnights"
  }
}

const box = temporary("policy-types")
const fileOf = (name: string): string => `${name.replaceAll(/\W+/g, "-")}.ts`

beforeAll(() => {
  symlinkSync(join(root, "node_modules"), join(box, "node_modules"), "dir")
  mkdirSync(join(box, "scripts"))
  writeFileSync(join(box, "package.json"), `{ "type": "module" }`)
  writeFileSync(join(box, "tsconfig.json"), JSON.stringify({
    extends: join(root, "tsconfig.json"),
    compilerOptions: { noUnusedLocals: false, paths: { reprise: [join(root, "sdk/index.ts")] } },
    include: ["scripts/*.ts"]
  }))
  for (const [name, { text }] of Object.entries(scripts)) {
    writeFileSync(
      join(box, "scripts", fileOf(name)),
      `import { Approvals, Context, Effect, Grants, Policy, Restart, Rollout, run, Schema } from "reprise"\n\n${text}\n`
    )
  }
})
afterAll(() => rmSync(box, { recursive: true, force: true }))

it("lets a script compile, or says what it lacks", async () => {
  const { out } = await node(box, [bin("typescript"), "-p", ".", "--pretty", "false"])
  const errors = out.split(/\n(?=\S)/)
  const surprises = Object.entries(scripts).flatMap(([name, { complaint }]) => {
    const own = errors.filter((error) => error.startsWith(`scripts/${fileOf(name)}`)).join("\n")
    const expected = complaint === undefined ? own === "" : own.includes(complaint)
    return expected ? [] : [`${name}: ${own === "" ? "compiles" : own}`]
  })
  expect(surprises).toEqual([])
}, 120_000)
