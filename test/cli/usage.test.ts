// Commands given wrong: a file of another kind, settings that can't be, words too many, and a directory that can't be made.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { mkdirSync, rmSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { Restart, Simulate } from "../../sdk/index.ts"
import { notAModule } from "../../sdk/plugin/host/module-file.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"
import { builtCommand } from "../house/built.ts"
import { type Box, openBox } from "./box.ts"

const team = `name: alpha
defaults: { provider: fake }
agents:
  planner: { role: Planner }
`

// Each holds words that begin with "hunter", as a file of secrets may.
const others: ReadonlyArray<readonly [file: string, text: string]> = [
  ["shadow", "root:*:20228:0:hunter1:7:::\ndaemon:*:20228:0:hunter2:7:::\n"],
  ["secrets.yaml", "hunter_password: hunter1\nname: hunter2\nhunter3:\n  hunter4: 5\n"],
  ["aliases.yaml", "hunter1: *hunter2\n"],
  ["twice.yaml", "hunter1: a\nhunter1: b\n"],
  ["tags.yaml", "hunter1: !hunter2 x\n"],
  ["open.yaml", "hunter1: \"hunter2\n"],
  ["text.json", "\"hunter1\""],
  ["other.json", "{ \"schema\": \"hunter1\", \"hunter2\": 1 }"],
  ["no.json", "hunter1 hunter2"],
  [".env", "export HUNTER=hunter1\nhunter2\n"],
  ["run.ts", "hunter1\n"],
  ["broken.mjs", "hunter1 = \"hunter2\n"],
  ["secrets.js", "hunter1: hunter2\n"]
]

describe("a command that is given wrong", () => {
  let command: string
  let box: Box

  beforeAll(async () => {
    command = await builtCommand()
    box = openBox(command)
    box.write("work/team.yaml", team)
    for (const [file, text] of others) box.write(`work/${file}`, text)
  })
  afterAll(async () => {
    await box.close()
  })

  const refused = async (args: ReadonlyArray<string>, code: number, env: Readonly<Record<string, string>> = {}) => {
    const answer = await box.ask(args, { env })
    assert.deepStrictEqual([answer.code, answer.ok], [code, false], `${args.join(" ")}: ${answer.message}`)
    return answer
  }

  it("shows nothing of a file that is not of the kind that was asked for", async () => {
    const said = (error: { readonly message: string }) => error.message
    for (const [file, text] of others) {
      const messages = await Effect.runPromise(Effect.provide(Effect.all([
        Effect.map(Effect.flip(parseTeamFile(text, { file, workspace: "/w" })), said),
        Effect.map(Effect.flip(Simulate.parseScenario(text, file)), said),
        Effect.map(Effect.flip(Restart.parseDocument(text)), said),
        Effect.sync(() => notAModule(pathToFileURL(box.at("work", file)).href) ?? `${file} is a module`)
      ]), NodeContext.layer))
      for (const message of messages) {
        assert.notInclude(message, "hunter", file)
        assert.notInclude(message, " is a module")
      }
    }
    for (const args of [["up", "shadow"], ["apply", "text.json"], ["simulate", "--scenario", "secrets.yaml"], ["simulate", "./secrets.js"], ["restart", "--policy", ".env"]]) {
      const ran = await box.run(args)
      assert.notStrictEqual(ran.code, 0)
      assert.notInclude(ran.out + ran.err, "hunter", args.join(" "))
    }
    assert.match((await refused(["up", "shadow"], 1)).message, /^shadow:1:1 .*this is not a team file/)
  }, 60_000)

  it("names a setting that can't be, whether the verb reads it or not", async () => {
    const wrong = { STOP_GRACE_MS: "abc", READY_DEADLINE_MS: "-1", POLICY_LOAD_DEADLINE_MS: "0", SESSION_CONVERGE_DEADLINE_MS: "99999999999", SESSION_CONVERGE_POLL_MS: "" }
    for (const [name, value] of Object.entries(wrong)) {
      const answer = await refused(["status"], 2, { [`REPRISE_${name}`]: value })
      assert.strictEqual(answer.outcome, "usage")
      assert.include(answer.message, `REPRISE_${name} is ${JSON.stringify(value)}`)
    }
    for (const args of [["up"], ["send", "planner", "x"], ["restart"], ["log"], ["demo"]]) {
      assert.include((await refused(args, 2, { REPRISE_STOP_GRACE_MS: "-5" })).message, "REPRISE_STOP_GRACE_MS")
    }
    assert.include((await refused(["status"], 2, { REPRISE_CACHE_DIR: "cache" })).message, "REPRISE_CACHE_DIR")
  }, 60_000)

  it("says which words are too many, and what may be intended", async () => {
    const send = await refused(["send", "planner", "fix", "the", "parser's bug"], 2)
    assert.match(send.message, /send takes AGENT TEXT, and got "the", "parser's bug" besides. Quote/)
    assert.deepStrictEqual(send.next, [`reprise send planner 'fix the parser'\\''s bug'`])
    assert.match((await refused(["status", "planner"], 2)).message, /no words besides its options, and got "planner"/)
    assert.match((await refused(["fork", "a", "b", "c"], 2)).message, /fork takes AGENT NEW, and got "c"/)
    for (const [given, near] of [["stop", "down"], ["statsu", "status"], ["sup", "supervise"], ["tell", "send"]] as const) {
      assert.include((await refused([given], 2)).message, `did you mean "${near}"`)
    }
    assert.match((await refused(["xyzzy"], 2)).message, /the verbs are up, status, send/)
    assert.deepStrictEqual((await refused(["--json", "status"], 2)).next, ["reprise status --json --json"])
    assert.match((await refused(["status", "--te", "x"], 2)).message, /did you mean --team\?/)
    assert.match((await refused(["status", "--xyzzy"], 2)).message, /the options are .*--team/)
    assert.notInclude(box.log(), "message.accepted")
  }, 60_000)

  it("reports a directory that can't be made as that", async () => {
    const fresh = openBox(command)
    fresh.write("work/team.yaml", team)
    mkdirSync(fresh.at("work/.reprise"), { mode: 0o700 })
    fresh.write("work/.reprise/plugins", "")
    const up = await fresh.ask(["up"])
    assert.deepStrictEqual([up.code, up.outcome], [1, "failed"], up.message)
    assert.match(up.message, /^The directory \S+\/\.reprise\/plugins\S* can't be made: /)
    assert.notInclude(up.message, "There is no")
    rmSync(fresh.at("work/.reprise/plugins"))
    assert.strictEqual((await fresh.ask(["up"])).outcome, "launched")
    await fresh.ask(["down"])
    await fresh.close()
  }, 60_000)
})
