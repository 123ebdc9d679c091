import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stringify } from "yaml"
import { AgentId } from "../../sdk/domain/ids.ts"
import { optionProblems, parseTeamFile, readTeamFile } from "../../sdk/spec/team-file.ts"

const parse = (text: string) => parseTeamFile(text, { file: "team.yaml", workspace: "/w" })
const spec = (text: string) => Effect.map(parse(text), (file) => file.spec)
const complaints = (text: string) =>
  parse(text).pipe(Effect.flip, Effect.map((error) => error.message.split("\n")))

const sample = `name: alpha
objective: Parse the new format
defaults: { provider: fake, env: { A: "1", B: "2" }, options: { turn: 5, startup: slow }, tools: [read] }
agents:
  planner: { role: Planner }
  coder-1: { role: Backend engineer, cwd: packages/core, paused: true, env: { B: "3" }, tools: [write] }
  coder-2: { provider: other, options: { startup: hang }, model: m, effort: high, permissions: ask, prompt: "Hi" }
  bare:
`

describe("a team file that is right", () => {
  it.effect("gets its defaults applied, options merged shallowly and directories made absolute", () =>
    Effect.gen(function*() {
      const { agents, name, objective } = yield* spec(sample)
      assert.deepStrictEqual([name, objective], ["alpha", "Parse the new format"])
      assert.deepStrictEqual(agents.map((agent) => agent.id), ["planner", "coder-1", "coder-2", "bare"])
      const [planner, first, second, bare] = agents
      assert.deepStrictEqual({ ...planner }, {
        id: AgentId.make("planner"),
        role: "Planner",
        provider: "fake",
        cwd: "/w",
        paused: false,
        model: null,
        effort: null,
        permissions: null,
        tools: ["read"],
        prompt: null,
        env: { A: "1", B: "2" },
        options: { turn: 5, startup: "slow" },
        mcp: {}
      })
      assert.deepStrictEqual([first?.cwd, first?.paused, first?.env, first?.tools], [
        "/w/packages/core",
        true,
        { A: "1", B: "3" },
        ["write"]
      ])
      assert.deepStrictEqual([second?.provider, second?.options, second?.model, second?.prompt], [
        "other",
        { turn: 5, startup: "hang" },
        "m",
        "Hi"
      ])
      assert.deepStrictEqual([bare?.role, bare?.provider], [null, "fake"])
    }))

  it.effect("may use anchors and merge keys, and a null takes a default away", () =>
    Effect.gen(function*() {
      const { agents } = yield* spec(
        "name: a\ndefaults: &d { provider: fake, model: big }\nagents:\n  x: { <<: *d, model: null }\n  y: *d\n"
      )
      assert.deepStrictEqual(agents.map(({ provider, model }) => [provider, model]), [["fake", null], ["fake", "big"]])
    }))

  it.effect("may name MCP servers, for all agents and for one; one of the same name takes the other's place", () =>
    Effect.gen(function*() {
      const { agents } = yield* spec(
        "name: a\ndefaults: { provider: fake, mcp: { docs: { command: docs }, log: { command: log, args: [-v] } } }\n" +
          "agents:\n  x: { mcp: { docs: { command: own, env: { A: b } } } }\n  y:\n"
      )
      const log = { command: "log", args: ["-v"], env: {} }
      assert.deepStrictEqual(agents.map(({ mcp }) => mcp), [
        { docs: { command: "own", args: [], env: { A: "b" } }, log },
        { docs: { command: "docs", args: [], env: {} }, log }
      ])
    }))

  it.effect("may have no agents, a BOM, Windows line ends and an absolute directory", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* spec("\uFEFFname: a\r\nagents: {}\r\n")).agents, [])
      const { agents } = yield* spec("name: a\nagents: { x: { provider: p, cwd: /elsewhere } }")
      assert.strictEqual(agents[0]?.cwd, "/elsewhere")
    }))
})

describe("a team file that is wrong", () => {
  it.effect("is told all its problems at once, each with its place", () =>
    Effect.gen(function*() {
      const lines = yield* complaints(`name: Alpha
objective: 3
provider: fake
agent: {}
agents:
  Planner: { role: [x], paused: yes }
  coder-1: { provder: fake, cwd: ~/x, tools: [1, ""], options: { a: .nan }, env: { P: 80 } }
  coder-2: 5
  coder-3: { provider: fake, id: c }
  coder-3: { provider: "", prompt: "a\\0b" }
`)
      assert.deepStrictEqual(lines, [
        "team.yaml:1:7 name: the name \"Alpha\" does not match ^[a-z][a-z0-9-]{0,62}$",
        "team.yaml:2:12 objective: expected text, found the number 3; put it in quotes: \"3\"",
        "team.yaml:3:1 provider: unknown key here; under \"defaults\" it is for all agents",
        "team.yaml:4:1 agent: unknown key, did you mean \"agents\"?",
        "team.yaml:6:3 agents.Planner: the id \"Planner\" does not match ^[a-z][a-z0-9-]{0,62}$; \"planner\" would",
        "team.yaml:6:3 agents.Planner: has no provider; name one here or under \"defaults\"",
        "team.yaml:6:20 agents.Planner.role: expected text, found a list",
        "team.yaml:6:33 agents.Planner.paused: expected true or false, found text",
        "team.yaml:7:3 agents.coder-1: has no provider; name one here or under \"defaults\"",
        "team.yaml:7:14 agents.coder-1.provder: unknown key, did you mean \"provider\"?",
        "team.yaml:7:34 agents.coder-1.cwd: \"~\" is not expanded here; write the whole path, " +
        "or one relative to the workspace",
        "team.yaml:7:47 agents.coder-1.tools.0: expected text, found the number 1; put it in quotes: \"1\"",
        "team.yaml:7:50 agents.coder-1.tools.1: must not be empty",
        "team.yaml:7:69 agents.coder-1.options.a: a value that JSON cannot carry",
        "team.yaml:7:87 agents.coder-1.env.P: expected text, found the number 80; put it in quotes: \"80\"",
        "team.yaml:8:12 agents.coder-2: expected a mapping of the agent's keys, found the number 5",
        "team.yaml:10:3 agents.coder-3: the key is there twice (first on line 9)",
        "team.yaml:10:24 agents.coder-3.provider: must not be empty",
        "team.yaml:10:36 agents.coder-3.prompt: holds a NUL character, which no process can be given"
      ])
    }))

  const cases: ReadonlyArray<readonly [what: string, text: string, line: RegExp]> = [
    ["empty", "", /^team.yaml:1:1 the file is empty/],
    ["only a comment", "# nothing\n", /^team.yaml:1:1 the file is empty/],
    ["a list", "- a\n", /:1:1 expected a mapping with the keys name and agents, found a list/],
    ["without a name", "agents: {}\n", /:1:1 name: is missing/],
    ["without agents", "name: a\n", /:1:1 agents: is missing/],
    ["agents as a list", "name: a\nagents: [x]\n", /:2:9 agents: expected a mapping of ids/],
    ["a tab", "name: a\nagents:\n\tx: {}\n", /:3:1 a tab stands where YAML wants spaces/],
    ["two documents", "name: a\n---\nname: b\n", /:2:1 a second YAML document begins/],
    ["no anchor", "name: a\nagents: { x: *nope }\n", /:2:14 agents.x: there is no anchor/],
    ["an alias in itself", "name: a\nagents: &a { x: *a }\n", /:2:17 agents.x: the alias "\*a" stands inside/],
    ["a merge of text", "name: a\nagents: { x: { <<: y } }\n", /agents.x.<<: only mappings can be merged/],
    ["an unknown tag", "name: !x a\nagents: {}\n", /:1:7 a YAML tag/],
    ["unclosed", "name: [a\n", /not valid YAML/],
    ["a mapping as key", "name: a\nagents: {}\n? { a: b }\n: c\n", /:3:3 a key must be plain text/],
    ["an MCP server without a command", "name: a\nagents: { x: { provider: p, mcp: { docs: {} } } }\n", /:2:36 agents.x.mcp.docs.command: is missing/],
    ["an MCP server's unknown key", "name: a\nagents: { x: { provider: p, mcp: { docs: { comand: x, command: y } } } }\n", /docs.comand: unknown key, did you mean "command"/],
    ["an MCP server's name", "name: a\nagents: { x: { provider: p, mcp: { my docs: { command: x } } } }\n", /x.mcp.my docs: the name "my docs" does not match/],
    ["__proto__", "name: a\nagents: { x: { options: { __proto__: { y: 1 } } } }\n", /can't be used as a key/],
    ["a line break in a key", "name: a\nagents: {}\n\"a\\nb\": 1\n", /:3:1 a\\u000ab: unknown key/]
  ]
  for (const [what, text, expected] of cases) {
    it.effect(`says where: ${what}`, () =>
      Effect.gen(function*() {
        assert.match((yield* complaints(text)).join("\n"), expected)
      }))
  }

  it.effect("is bounded in depth, size and what its aliases expand to", () =>
    Effect.gen(function*() {
      const bomb = ["a: &a0 [x, x, x, x, x, x, x, x]"]
      for (let level = 1; level < 8; level++) {
        bomb.push(`b${level}: &a${level} [${Array.from({ length: 8 }, () => `*a${level - 1}`).join(", ")}]`)
      }
      assert.match((yield* complaints(bomb.join("\n"))).join(), /holds \d+ values; 50000 are allowed/)
      assert.match((yield* complaints("[".repeat(100_000))).join(), /nested too deeply/)
      assert.match((yield* complaints(`${"[".repeat(100)}${"]".repeat(100)}`)).join(), /nested more than 64/)
      const error = yield* Effect.flip(parse("#".repeat(1024 * 1024 + 1)))
      assert.strictEqual(error._tag, "TeamFileUnreadable")
    }))

  it.effect("has places for what a provider says of options, also of inherited ones", () =>
    Effect.gen(function*() {
      const file = yield* parse(sample)
      const places = optionProblems(file, "coder-2", [
        { path: ["startup"], problem: "p" },
        { path: ["turn"], problem: "q" },
        { path: ["nowhere"], problem: "r" }
      ])
      assert.deepStrictEqual(places.map(({ line, column, path }) => [line, column, path.join(".")]), [
        [7, 42, "agents.coder-2.options.startup"],
        [3, 65, "defaults.options.turn"],
        [7, 31, "agents.coder-2.options.nowhere"]
      ])
    }))
})

describe("any text at all", () => {
  const word = FastCheck.constantFrom(
    "name",
    "agents",
    "defaults",
    ": ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "&a ",
    "*a",
    "<<",
    "? ",
    "\"",
    "'",
    "|",
    "!t ",
    "\t",
    "---\n",
    "#",
    "%",
    "x",
    "0"
  )
  it.effect.prop(
    "is understood or refused in sentences, and never throws",
    [FastCheck.oneof(FastCheck.string(), FastCheck.array(word, { maxLength: 40 }).map((words) => words.join("")))],
    ([text]) =>
      Effect.gen(function*() {
        const outcome = yield* Effect.either(parse(text))
        if (outcome._tag === "Left") assert.match(outcome.left.message, /^team.yaml:\d+:\d+ ./)
      }),
    { fastCheck: { numRuns: 300 } }
  )

  const name = FastCheck.stringMatching(/^[a-z][a-z0-9-]{0,62}$/)
  // References have a form of their own; see the tests of env_file.
  const text = FastCheck.string().filter((value) => !value.includes("\0") && !value.includes("${"))
  const maybe = <A>(value: FastCheck.Arbitrary<A>) => FastCheck.option(value, { nil: null })
  const key = text.filter((value) => value !== "__proto__" && value !== "<<")
  const json = FastCheck.jsonValue().filter((value) => !/__proto__|<<|-0/.test(JSON.stringify(value)))
  const entry = FastCheck.record({
    role: maybe(text),
    provider: text.filter((value) => value.trim() !== ""),
    cwd: FastCheck.stringMatching(/^\/[a-z]{1,9}$/),
    paused: FastCheck.boolean(),
    model: maybe(text),
    effort: maybe(text),
    permissions: maybe(text),
    tools: FastCheck.array(text.filter((value) => value.trim() !== ""), { maxLength: 3 }),
    prompt: maybe(text),
    env: FastCheck.dictionary(key.filter((value) => value !== "" && !value.includes("=")), text, { maxKeys: 3 }),
    options: FastCheck.dictionary(key, json, { maxKeys: 3 }),
    mcp: FastCheck.dictionary(
      FastCheck.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/),
      FastCheck.record({
        command: text.filter((value) => value.trim() !== ""),
        args: FastCheck.array(text, { maxLength: 3 }),
        env: FastCheck.dictionary(key.filter((value) => value !== "" && !value.includes("=")), text, { maxKeys: 2 })
      }),
      { maxKeys: 2 }
    )
  })
  it.effect.prop(
    "written from a valid team reads back as that team",
    [FastCheck.record({ name, objective: maybe(text), agents: FastCheck.dictionary(name, entry, { maxKeys: 5 }) })],
    ([team]) =>
      Effect.gen(function*() {
        const read = yield* spec(stringify(team))
        const agents = Object.entries(team.agents).map(([id, agent]) => ({ id, ...agent }))
        // Through JSON: negative zero and objects without a prototype are no subject of a team file.
        assert.deepStrictEqual(
          JSON.parse(JSON.stringify(read)),
          JSON.parse(JSON.stringify({ name: team.name, objective: team.objective, agents }))
        )
      }),
    { fastCheck: { numRuns: 100 } }
  )
})

describe("a team file on disk", () => {
  const directory = Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "reprise-spec-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  it.scoped("is read, or a sentence says why it could not be", () =>
    Effect.gen(function*() {
      const home = yield* directory
      const at = (name: string) => join(home, name)
      const refusal = (name: string) => Effect.flip(readTeamFile(at(name), { workspace: home, shownAs: name }))
      writeFileSync(at("team.yaml"), sample)
      const { spec: team } = yield* readTeamFile(at("team.yaml"), { workspace: home })
      assert.strictEqual(team.agents[1]?.cwd, join(home, "packages/core"))

      assert.match((yield* refusal("missing.yaml")).message, /There is no team file missing.yaml. Nothing was started/)
      mkdirSync(at("directory"))
      assert.match((yield* refusal("directory")).message, /directory is not a file/)
      writeFileSync(at("latin.yaml"), Buffer.concat([Buffer.from("name: a\nobjective: "), Buffer.from([0xe4, 0x0a])]))
      assert.match((yield* refusal("latin.yaml")).message, /^latin.yaml:2:1 not UTF-8/)
      writeFileSync(at("large.yaml"), "#".repeat(1024 * 1024 + 1))
      assert.match((yield* refusal("large.yaml")).message, /larger than/)
      if (process.getuid?.() !== 0) {
        writeFileSync(at("closed.yaml"), sample)
        chmodSync(at("closed.yaml"), 0)
        assert.match((yield* refusal("closed.yaml")).message, /may not be read/)
      }
    }).pipe(Effect.provide(NodeContext.layer)))
})
