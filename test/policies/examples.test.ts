// The policies that come with Reprise, each as its head says to use it, on processes of the fake provider.
import { assert, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { builtCommand } from "../house/built.ts"
import { root } from "../house/sources.ts"
import { hasTmux, openWorld, type World } from "../docs/world.ts"

const folder = join(root, "scripts/policies")
const command = hasTmux ? await builtCommand() : ""

const team = `name: alpha
defaults: { provider: fake }
agents:
  lead: { role: Leader }
  coder-1: { role: Engineer }
  coder-2: { role: Engineer, options: { turn: 120000 } }
  scribe: { role: Writes things down }
`

const approved = (policy: string) => `import { Approvals, Grants, Restart, run } from "reprise"
import policy from ${JSON.stringify(join(folder, policy))}

run(Restart.restart("alpha", policy), { provide: [Approvals.always, Grants.discardContext("it keeps notes in files")] })
`

const withTeam = async (use: (world: World) => Promise<void>): Promise<void> => {
  const world = openWorld(command)
  try {
    world.write("team.yaml", team)
    const up = await world.run("reprise up")
    assert.strictEqual(up.code, 0, up.out)
    await use(world)
  } finally {
    await world.close()
  }
}

const send = async (world: World, agent: string, text: string): Promise<void> => {
  const sent = await world.run(`reprise send ${agent} "${text}"`)
  assert.strictEqual(sent.code, 0, sent.out)
}

const restart = (world: World, policy: string, options = "") =>
  world.run(`reprise restart --policy ${join(folder, policy)} ${options}`)

const eventsOf = async (world: World, type: string): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> => {
  const { out } = await world.run(`reprise log --type ${type}`)
  return out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
}

/** The agents in the order in which they became ready, from a generation on. */
const ready = async (world: World, generation: number): Promise<ReadonlyArray<unknown>> =>
  (await eventsOf(world, "agent.ready")).filter((event) => event["generation"] === generation).map(({ agent }) => agent)

it("are each a screen, say at their head how they are used, and import Reprise by its name", () => {
  const files = readdirSync(folder)
  assert.includeMembers(files, ["default.ts", "careful.ts", "canary.ts", "nightly.ts", "supervise.ts", "restart-when.ts"])
  for (const file of files) {
    const text = readFileSync(join(folder, file), "utf8")
    assert.isBelow(text.split("\n").length, 60, file)
    assert.match(text, new RegExp(`^// ${file}: `), file)
    const from = [...text.matchAll(/ from "([^"]+)"/g)].map(([, name = ""]) => name).filter((name) => !name.startsWith("node:"))
    assert.deepStrictEqual([...new Set(from)], ["reprise"], file)
  }
})

it.runIf(hasTmux)("default, careful: nothing is dropped without leave, nobody is touched without a yes, and it comes to an end", () =>
  withTeam(async (world) => {
    await send(world, "coder-1", "keep the comments")
    const planned = await restart(world, "default.ts", "--dry-run")
    assert.strictEqual(planned.code, 0, planned.out)
    assert.match(planned.out, /coder-1 +fake, alive +resume +continues session/)
    const done = await restart(world, "default.ts")
    assert.include(done.out, "4 agents of team alpha are back: 4 resumed, 0 started anew.")

    const refused = await restart(world, "careful.ts")
    assert.strictEqual(refused.code, 1, refused.out)
    assert.include(refused.out, "discard-context is missing. No process was touched.")
    const asked = await restart(world, "careful.ts", `--grant "discard-context=it keeps notes in files"`)
    assert.strictEqual(asked.code, 1, asked.out)
    assert.include(asked.out, "there is nobody at a terminal. No process was touched.")
    assert.deepStrictEqual(await ready(world, 3), [])

    world.write("approved.ts", approved("careful.ts"))
    for (const _ of ["a second time", "a third time"]) {
      const again = await world.run("npx tsx approved.ts")
      assert.strictEqual(again.code, 0, again.out)
    }
    const spent = await world.run("npx tsx approved.ts")
    assert.strictEqual(spent.code, 1, spent.out)
    assert.include(spent.out, "its budget of 3 restarts in 10m is spent (3 so far); it is for leader to decide")
    assert.deepStrictEqual(await ready(world, 5), [])
  }), 300_000)

it.runIf(hasTmux)("canary, nightly: one first and the leader last; one by one, and only when all are at rest", () =>
  withTeam(async (world) => {
    const done = await restart(world, "canary.ts")
    assert.strictEqual(done.code, 0, done.out)
    const [first, ...others] = await ready(world, 2)
    assert.strictEqual(first, "coder-1")
    assert.strictEqual(others.at(-1), "lead")

    const night = await restart(world, "nightly.ts")
    assert.strictEqual(night.code, 0, night.out)
    assert.deepStrictEqual(await ready(world, 3), ["lead", "coder-1", "coder-2", "scribe"])

    await send(world, "coder-2", "think about it")
    const busy = await restart(world, "nightly.ts")
    assert.strictEqual(busy.code, 1, busy.out)
    assert.include(busy.out, "Not tonight: coder-2 is busy. No process was touched.")
    assert.deepStrictEqual(await ready(world, 4), [])
  }), 300_000)

/** Starts an example that goes on until it is ended, and ends it. */
const withProgram = async (
  world: World,
  words: string,
  use: (shown: (text: string) => Promise<void>) => Promise<void>
): Promise<void> => {
  const started = await world.run(`npx tsx ${join(folder, words)} > program.log 2>&1 & echo $! > program.pid`)
  assert.strictEqual(started.code, 0, started.out)
  try {
    await use(async (text) => {
      const found = await world.run(
        `for i in $(seq 600); do grep -qF "${text}" program.log && exit 0; sleep 0.1; done; cat program.log; exit 1`
      )
      assert.strictEqual(found.code, 0, `${text}\n${found.out}`)
    })
  } finally {
    await world.run("kill $(cat program.pid)")
  }
}

it.runIf(hasTmux)("supervise: brings back who dies, in its conversation, until that was often enough; then pages once", () =>
  withTeam((world) =>
    withProgram(world, "supervise.ts", async (shown) => {
      await shown("Team alpha is supervised (oneForOne)")
      for (const generation of [1, 2, 3, 4]) {
        const status = await world.run("reprise status --json")
        const scribe = /"id":"scribe",.*?"generation":(\d+),"pid":(\d+)/.exec(status.out)
        assert.strictEqual(scribe?.[1], String(generation), status.out)
        await world.run(`kill -9 ${scribe?.[2]}`)
        await (generation < 4
          ? world.run(`for i in $(seq 600); do grep '"agent.ready".*"scribe","generation":${generation + 1},' .reprise/events.jsonl && exit 0; sleep 0.1; done; exit 1`)
          : shown("scribe its budget of 3 restarts in 10m is spent"))
      }
      const exhausted = await eventsOf(world, "supervision.exhausted")
      assert.deepStrictEqual(exhausted.map(({ agent }) => agent), ["scribe"])
      assert.deepStrictEqual(await eventsOf(world, "restart.fresh_spawn"), [])
      const off = await world.run("reprise supervise --disable")
      assert.strictEqual(off.code, 0, off.out)
      await shown("Supervision of team alpha was switched off")
    })), 300_000)

it.runIf(hasTmux)("restart-when: follows the log, and starts anew whoever has been told enough", () =>
  withTeam(async (world) => {
    for (const [words, said] of [
      ["scribe NaN", '"NaN" is no number of messages.'],
      ["scribe -3", '"-3" is no number of messages.'],
      ["scribe 2.5", '"2.5" is no number of messages.'],
      ["scribe 0", '"0" is no number of messages.'],
      ["Nobody 2", 'Team alpha has no agent "Nobody".']
    ] as const) {
      const refused = await world.run(`timeout 60 npx tsx ${join(folder, "restart-when.ts")} ${words}`)
      assert.deepStrictEqual([refused.code, refused.out], [2, `${said} Nothing was done. Usage: restart-when.ts AGENT MESSAGES\n`])
    }
    await withProgram(world, "restart-when.ts scribe 2", async (shown) => {
      await shown("Following scribe")
      for (const text of ["a note", "another note"]) await send(world, "scribe", text)
      await shown("1 agent of team alpha is back")
      const [event, ...more] = await eventsOf(world, "restart.fresh_spawn")
      assert.deepStrictEqual(more, [])
      assert.strictEqual(event?.["agent"], "scribe")
      assert.strictEqual(event?.["reason"], "the scribe keeps its notes in files")
    })
  }), 300_000)
