// The plan in a file: what a dry run leaves, what `--plan-out` writes, what `apply` makes of it.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import { spawn, spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { builtCommand, compileCache } from "../house/built.ts"
import { failureDocument } from "../../scripts/command/document.ts"
import { TeamTargetUnresolved } from "../../sdk/spec/workspace.ts"

const hasTmux = spawnSync("tmux", ["-V"]).status === 0
const command = hasTmux ? await builtCommand() : ""
const root = fileURLToPath(new URL("../../", import.meta.url))

const Shown = Schema.parseJson(Schema.Struct({
  schema: Schema.String,
  outcome: Schema.String,
  ok: Schema.Boolean,
  message: Schema.String,
  next: Schema.Array(Schema.String),
  position: Schema.optional(Schema.Int),
  file: Schema.optional(Schema.String),
  plan: Schema.optional(Schema.Struct({ schema: Schema.String, portable: Schema.Boolean })),
  differences: Schema.optional(
    Schema.Array(Schema.Struct({ agent: Schema.NullOr(Schema.String), member: Schema.String, was: Schema.Unknown, is: Schema.Unknown, says: Schema.String }))
  ),
  agents: Schema.optionalWith(
    Schema.Array(Schema.Struct({
      id: Schema.String,
      generation: Schema.Int,
      steps: Schema.optional(Schema.Array(Schema.Struct({ name: Schema.String, says: Schema.String })))
    })),
    { default: () => [] }
  )
}))

it("that is for a team which is not here is made anew for one that is", () => {
  const refused = new TeamTargetUnresolved({ selector: "gamma", candidates: ["alpha", "beta"] })
  const { document, exitCode } = failureDocument(Cause.fail(refused), "apply")
  assert.deepStrictEqual([exitCode, document.next], [1, [
    "reprise restart --team alpha --plan-out FILE",
    "reprise restart --team beta --plan-out FILE"
  ]])
})

describe.skipIf(!hasTmux)("the plan of a command", () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "rpl-")))
  const workspace = join(home, "work")
  const plan = join(home, "plan.json")
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(home, "home"),
    XDG_RUNTIME_DIR: join(home, "run"),
    TMPDIR: join(home, "tmp"),
    LANG: "C.UTF-8",
    ...compileCache()
  }

  const said = (verb: string, args: ReadonlyArray<string>) =>
    new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>((done) => {
      const child = spawn(
        process.execPath,
        [command, verb, ...args, "--workspace", workspace],
        { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] }
      )
      let [out, err] = ["", ""]
      child.stdout.on("data", (chunk) => { out += String(chunk) })
      child.stderr.on("data", (chunk) => { err += String(chunk) })
      child.on("close", (code) => done({ code, out, err }))
    })
  const reprise = async (verb: string, args: ReadonlyArray<string>) => {
    const { code, err, out } = await said(verb, [...args, "--json"])
    assert.isTrue(out.startsWith("{"), `reprise ${verb} said ${out} and ${err}`)
    return { code, ...Schema.decodeUnknownSync(Shown)(out) }
  }

  /** Each file of the runtime with its size and time; what SQLite keeps only while the log is open is left out. */
  const files = () =>
    readdirSync(join(workspace, ".reprise"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/-(shm|wal)$/.test(entry.name))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        const { mtimeMs, size } = statSync(path)
        return `${path} ${size} ${mtimeMs}`
      })
      .toSorted()

  beforeAll(async () => {
    for (const name of ["work", "run", "tmp", "home"]) mkdirSync(join(home, name), { mode: 0o700 })
    const file = join(workspace, "team.yaml")
    writeFileSync(file, JSON.stringify({ name: "alpha", defaults: { provider: "fake" }, agents: { planner: {}, scribe: {} } }))
    const { message, outcome } = await reprise("up", [file])
    assert.strictEqual(outcome, "launched", message)
  }, 120_000)
  afterAll(async () => {
    await said("down", [])
    rmSync(home, { recursive: true, force: true })
  }, 120_000)

  it("is the same twice, byte for byte, and leaves no event and no file changed", async () => {
    const position = (await reprise("status", [])).position
    const before = files()
    const once = await said("restart", ["--dry-run", "--json"])
    const again = await said("restart", ["--dry-run", "--json"])
    const explained = await said("restart", ["--explain"])
    assert.strictEqual(once.code, 0, once.err)
    assert.strictEqual(again.out, once.out)
    assert.deepStrictEqual(files(), before)
    assert.strictEqual((await reprise("status", [])).position, position)
    const shown = Schema.decodeUnknownSync(Shown)(once.out)
    assert.strictEqual(shown.plan?.schema, "reprise.plan/1")
    assert.deepStrictEqual(shown.agents.map(({ id, steps }) => [id, steps?.map(({ name }) => name)]), [
      ["planner", ["stop", "spawn", "ready"]],
      ["scribe", ["stop", "spawn", "ready"]]
    ])
    for (const { steps } of shown.agents) for (const { says } of steps ?? []) assert.include(explained.out, says)
    assert.include(explained.out, "1. planner, scribe, together")
  }, 120_000)

  it("goes into a file for its owner alone, and is carried out once", async () => {
    const before = files()
    const written = await reprise("restart", ["scribe", "--plan-out", plan])
    assert.deepStrictEqual([written.code, written.outcome, written.file], [0, "planned", plan], written.message)
    assert.deepStrictEqual(written.next, [`reprise apply ${plan}`])
    assert.deepStrictEqual(files(), before)
    assert.strictEqual(statSync(plan).mode & 0o777, 0o600)
    const applied = await reprise("apply", [plan])
    assert.deepStrictEqual([applied.code, applied.schema, applied.outcome], [0, "reprise.apply/1", "restarted"], applied.message)
    assert.deepStrictEqual(applied.agents.map(({ generation, id }) => [id, generation]), [["planner", 1], ["scribe", 2]])

    const position = (await reprise("status", [])).position
    const late = await reprise("apply", [plan])
    assert.deepStrictEqual([late.code, late.outcome], [1, "refused_plan_stale"])
    assert.deepInclude(late.differences ?? [], { agent: "scribe", member: "generation", was: 1, is: 2, says: "scribe: its generation was 1 and is 2" })
    assert.deepStrictEqual(late.next, [`reprise restart scribe --team alpha --plan-out ${plan}`])
    assert.strictEqual((await reprise("status", [])).position, position)
  }, 120_000)

  it("asks for its grant when it is applied, and goes on by the command that it names", async () => {
    const written = await reprise("restart", ["--allow-fresh", "--plan-out", plan])
    assert.strictEqual(written.outcome, "planned", written.message)
    const refused = await reprise("apply", [plan])
    assert.deepStrictEqual([refused.code, refused.outcome], [1, "grant_missing"])
    assert.deepStrictEqual(refused.next, [`reprise apply ${plan} --grant discard-context=REASON`])
    const applied = await reprise("apply", [plan, "--grant", "discard-context=a rehearsal"])
    assert.strictEqual(applied.outcome, "restarted", applied.message)
  }, 120_000)

  it("that holds a program names the command that has it", async () => {
    const policy = join(home, "policy.ts")
    writeFileSync(policy, [
      `import { Effect, Policy } from "reprise"`,
      `export default Policy.resume.pipe(Policy.withGate("it is day", Effect.succeed("it is")))`
    ].join("\n"))
    const written = await reprise("restart", ["--policy", policy, "--plan-out", plan])
    assert.deepStrictEqual([written.code, written.plan?.portable], [0, false], written.message)
    const refused = await reprise("apply", [plan])
    assert.deepStrictEqual([refused.code, refused.outcome], [1, "refused_plan_not_portable"], refused.message)
    assert.deepStrictEqual(refused.next, [`reprise restart --team alpha --policy ${policy}`])
  }, 120_000)

  it("is written whole or not at all, and what is no plan is refused", async () => {
    const text = readFileSync(plan, "utf8")
    const nowhere = await reprise("restart", ["--plan-out", join(home, "missing", "plan.json")])
    assert.deepStrictEqual([nowhere.code, nowhere.outcome], [1, "plan_invalid"], nowhere.message)
    assert.isFalse(existsSync(join(home, "missing")))
    assert.deepStrictEqual(readdirSync(home).filter((name) => name.endsWith(".tmp")), [])
    writeFileSync(plan, text.slice(0, text.length / 2))
    for (const args of [[plan], [join(home, "none.json")]]) {
      const refused = await reprise("apply", args)
      assert.deepStrictEqual([refused.code, refused.outcome], [1, "plan_invalid"], refused.message)
    }
    chmodSync(plan, 0o600)
    writeFileSync(plan, text)
    const other = await reprise("apply", [plan, "--team", "beta"])
    assert.deepStrictEqual([other.code, other.outcome], [2, "usage"], other.message)
  }, 120_000)
})
