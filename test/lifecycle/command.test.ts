import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { builtCommand, compileCache } from "../house/built.ts"

// The command itself, with real workers in a tmux server of its own: usage, several teams, the page.

const hasTmux = spawnSync("tmux", ["-V"]).status === 0
const root = fileURLToPath(new URL("../../", import.meta.url))
const command = hasTmux ? await builtCommand() : ""

const Shown = Schema.parseJson(Schema.Struct({
  outcome: Schema.String,
  ok: Schema.Boolean,
  message: Schema.String,
  next: Schema.Array(Schema.String),
  agents: Schema.optionalWith(
    Schema.Array(Schema.Struct({ id: Schema.String, pid: Schema.NullOr(Schema.Int), generation: Schema.Int })),
    { default: () => [] }
  )
}))

describe.skipIf(!hasTmux)("the command", () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "rc-")))
  const workspace = join(home, "work")
  const page = (team: string) => join(workspace, ".reprise", "teams", team, "team_state.md")
  const mirror = join(workspace, ".reprise", "events.jsonl")
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: join(home, "home"),
    XDG_RUNTIME_DIR: join(home, "run"),
    TMPDIR: join(home, "tmp"),
    LANG: "C.UTF-8",
    ...compileCache()
  }

  const start = (words: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) =>
    spawn(process.execPath, words, { cwd: root, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] })
  const words = (verb: string, args: ReadonlyArray<string>) => [command, verb, "--workspace", workspace, ...args]
  /** A script of a user's, from the sources. */
  const scriptWords = (script: string, args: ReadonlyArray<string>) =>
    ["--conditions=source", "--import", "tsx", script, "--workspace", workspace, ...args]

  const said = (words: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) =>
    new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>((done) => {
      const child = start(words, more)
      let [out, err] = ["", ""]
      child.stdout.on("data", (chunk) => { out += String(chunk) })
      child.stderr.on("data", (chunk) => { err += String(chunk) })
      child.on("close", (code) => done({ code, out, err }))
    })

  const reprise = async (verb: string, args: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) => {
    const { code, err, out } = await said(words(verb, ["--json", ...args]), more)
    assert.match(out, /^\{.*\}\n$/, `reprise ${verb} said ${out} and ${err}`)
    return { code, err, shown: Schema.decodeUnknownSync(Shown)(out) }
  }

  beforeAll(async () => {
    for (const name of ["work", "run", "tmp", "home"]) mkdirSync(join(home, name), { mode: 0o700 })
    for (const team of ["alpha", "beta"]) {
      const file = join(workspace, `${team}.yaml`)
      writeFileSync(file, JSON.stringify({ name: team, defaults: { provider: "fake" }, agents: { planner: { role: "Planner" } } }))
      const { shown } = await reprise("up", [file])
      assert.strictEqual(shown.outcome, "launched", shown.message)
    }
  })
  afterAll(async () => {
    for (const team of ["alpha", "beta"]) await reprise("down", ["--team", team]).catch(() => undefined)
    rmSync(home, { recursive: true, force: true })
  })

  it("asks which of two teams is meant, and does nothing (83)", async () => {
    const before = readFileSync(mirror, "utf8")
    const { code, shown } = await reprise("restart", [])
    assert.deepStrictEqual([code, shown.ok, shown.outcome], [1, false, "team_target_ambiguous"])
    assert.deepStrictEqual(shown.next, ["reprise restart --team alpha", "reprise restart --team beta"])
    assert.strictEqual(readFileSync(mirror, "utf8"), before)
  })

  it("restarts the one that was named, leaves the other alone, and renders the page (76, 89)", async () => {
    const sibling = (await reprise("status", ["--team", "beta"])).shown.agents
    rmSync(page("alpha"), { force: true })
    const { code, shown } = await reprise("restart", ["--team", "alpha"])
    assert.deepStrictEqual([code, shown.outcome], [0, "restarted"], shown.message)
    assert.deepStrictEqual(shown.agents.map(({ generation }) => generation), [2])
    assert.deepStrictEqual((await reprise("status", ["--team", "beta"])).shown.agents, sibling)
    assert.isTrue(existsSync(page("alpha")))
    assert.include(readFileSync(page("alpha"), "utf8"), "planner")
    assert.isTrue(existsSync(page("beta")))
  })

  for (const [flag, more] of [
    [["--session-converge-deadline", "soon"], {}],
    [["--session-converge-deadline", "-1"], {}],
    [["--session-converge-deadline="], {}],
    [[], { REPRISE_SESSION_CONVERGE_DEADLINE_MS: "12s" }],
    [[], { REPRISE_SESSION_CONVERGE_POLL_MS: "0" }],
    [["--grant", "discard-context"], {}],
    [["--continue", "--rollback"], {}],
    [["--allow-fresch"], {}]
  ] as const) {
    it(`calls ${[...flag, ...Object.entries(more).map((pair) => pair.join("="))].join(" ")} wrong usage, and does nothing (13)`, async () => {
      const before = readFileSync(mirror, "utf8")
      const { code, shown } = await reprise("restart", ["--team", "alpha", ...flag], more)
      assert.deepStrictEqual([code, shown.ok, shown.outcome], [2, false, "usage"], shown.message)
      assert.strictEqual(readFileSync(mirror, "utf8"), before)
    })
  }

  for (const [verb, ...args] of [
    ["supervise", "--clear"],
    ["supervise", "--team", "alpha", "--strategy"],
    ["restart", "planner", "--team", "alpha", "--dry-run", "--grant"],
    ["restart", "--team", "alpha", "--policy"],
    ["restart", "--team", "alpha", "--policy", "--dry-run"],
    ["restart", "--team", "alpha", "--plan-out", "--", "planner"],
    ["apply", "plan.json", "--team="],
    ["up", "--plugin"],
    ["log", "--type"],
    ["log", "--agent"],
    ["down", "--team"],
    ["simulate", "--scenario"],
    ["adopt", "--only"],
    ["fork", "planner", "other", "--team"],
    ["status", "--transport"],
    ["send", "planner", "hello", "--allow-plugin", ""]
  ] as const) {
    it(`asks what ${[verb, ...args].join(" ")} wants, and does nothing`, async () => {
      const before = readFileSync(mirror, "utf8")
      const { code, shown } = await reprise(verb, args)
      assert.deepStrictEqual([code, shown.ok, shown.outcome, shown.next], [2, false, "usage", [`reprise ${verb} --help`]], shown.message)
      assert.match(shown.message, /^(--[a-z-]+) wants a value, as in \1 .+, and (has|.+ is) none\. Nothing was done\.$/)
      assert.strictEqual(readFileSync(mirror, "utf8"), before)
    })
  }

  it("takes no flag for more than it is: once, with a value only where it has one", async () => {
    for (const [args, said] of [
      [["--dry-run", "--team", "alpha", "--team", "beta"], "--team is there twice"],
      [["--team", "alpha", "--dry-run", "--dry-run"], "--dry-run is there twice"],
      [["--team", "alpha", "--dry-run=planner"], "--dry-run takes no value"]
    ] as const) {
      const { code, shown } = await reprise("restart", args)
      assert.deepStrictEqual([code, shown.outcome], [2, "usage"], shown.message)
      assert.include(shown.message, said)
    }
    const { code, shown } = await reprise("restart", ["--team=alpha", "--dry-run", "--grant=discard-context=a rehearsal"])
    assert.deepStrictEqual([code, shown.outcome], [0, "planned"], shown.message)
  })

  it("takes a deadline from the flag, nought and fractions too (13)", async () => {
    for (const seconds of ["0", "0.5"]) {
      const { code, shown } = await reprise("restart", ["--team", "alpha", "--dry-run", "--session-converge-deadline", seconds])
      assert.deepStrictEqual([code, shown.outcome], [0, "planned"], shown.message)
    }
  })

  it("is refused by a policy that never loads, and does not wait for it for good", async () => {
    const policy = join(home, "never.ts")
    writeFileSync(policy, "await new Promise(() => {})\nexport default 1\n")
    const before = readFileSync(mirror, "utf8")
    for (const [verb, ...args] of [
      ["restart", "--team", "alpha", "--policy", policy],
      ["supervise", "--team", "alpha", "--policy", policy],
      ["simulate", "--team", "alpha", policy]
    ] as const) {
      const { code, shown } = await reprise(verb, args, { REPRISE_POLICY_LOAD_DEADLINE_MS: "300" })
      assert.deepStrictEqual([code, shown.ok, shown.outcome], [2, false, "usage"], shown.message)
      assert.include(shown.message, `The policy ${policy} could not be loaded: it was not done after 300ms`)
    }
    assert.strictEqual(readFileSync(mirror, "utf8"), before)
  })

  it("answers with one document, whatever a policy prints", async () => {
    const policy = join(home, "loud.ts")
    writeFileSync(policy, [
      `import { Policy } from "reprise"`,
      `process.stdout.write("written at load\\n")`,
      `console.log("logged at load")`,
      `const loud = () => process.stdout.write("written in a decision\\n")`,
      `export default Policy.resume.pipe(Policy.when(loud, Policy.resume, "it is loud"))`
    ].join("\n"))
    const { code, err, shown } = await reprise("restart", ["--team", "alpha", "--dry-run", "--policy", policy])
    assert.deepStrictEqual([code, shown.outcome], [0, "planned"], shown.message)
    for (const text of ["written at load", "logged at load", "written in a decision"]) assert.include(err, text)
  })

  it("outlives whoever reads it, quietly", async () => {
    for (const [verb, ...args] of [["log"], ["status", "--team", "alpha"], ["restart", "--team", "alpha", "--dry-run"], ["reprise", "--help"]] as const) {
      const child = verb === "reprise"
        ? start([command, ...args])
        : start(words(verb, args))
      child.stdout.destroy()
      let err = ""
      child.stderr.on("data", (chunk) => { err += String(chunk) })
      const code = await new Promise((done) => child.on("close", done))
      assert.deepStrictEqual([code, err], [0, ""], verb)
    }
    const program = [process.execPath, ...words("status", ["--team", "alpha"])]
    const full = spawnSync("/bin/sh", ["-c", `"$0" "$@" > /dev/full`, ...program], { cwd: root, env })
    assert.strictEqual(full.status, 1)
    assert.include(String(full.stderr), "The answer could not be written to standard output")
  })

  for (const [what, effect] of [
    ["lets go", "wait"],
    ["does not let go", "Effect.uninterruptible(wait)"]
  ] as const) {
    it(`never calls it well that nothing was left to wait for, where what waits ${what}`, async () => {
      const script = join(home, "stuck.ts")
      writeFileSync(script, [
        `import { Effect } from ${JSON.stringify(join(root, "sdk/index.ts"))}`,
        `import { defineVerb, startVerb } from ${JSON.stringify(join(root, "scripts/command/verb.ts"))}`,
        `const wait = Effect.async<never>(() => undefined)`,
        `startVerb(defineVerb({ name: "stuck", description: "Waits.", config: {}, run: () => ${effect} }), process.argv.slice(2))`
      ].join("\n"))
      const { code, err, out } = await said(scriptWords(script, ["--json"]), { TSX_TSCONFIG_PATH: join(root, "tsconfig.json") })
      assert.strictEqual(code, 1, err)
      assert.strictEqual(Schema.decodeUnknownSync(Shown)(out).outcome, "failed")
    })
  }
})
