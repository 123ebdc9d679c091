import { describe, expect, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { CommandRequest, ProviderAgent } from "reprise/plugin"
import { readProcess } from "reprise/plugin"
import { providerOf, testPluginServices } from "reprise/testing"
import plugin from "../../plugins/providers/claude/index.ts"
import { projectName } from "../../plugins/providers/claude/places.ts"

// What Claude Code's own records say of a process, how a conversation is named on its command line, and what is looked
// at before a start.

const id = "6f1c1d52-0e8b-4a6e-9a52-0d6a54b0c001"
const other = "6f1c1d52-0e8b-4a6e-9a52-0d6a54b0c002"

const world = Effect.gen(function*() {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "reprise-claude-")))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const [configHome, cwd] = [join(root, "config"), join(root, "work")]
  mkdirSync(join(configHome, "sessions"), { recursive: true })
  mkdirSync(cwd)
  const driver = yield* testPluginServices(providerOf(plugin, "claude"))
  const agent = (over: Partial<ProviderAgent> = {}): ProviderAgent => ({
    team: "alpha", id: "one", role: null, prompt: null, workspace: cwd, cwd, model: null, effort: null, permissions: null,
    tools: [], options: {}, env: { HOME: root, CLAUDE_CONFIG_DIR: configHome }, configHome: null, mcp: {}, startedAt: null,
    ...over
  })
  const request = (mode: CommandRequest["mode"], over: Partial<ProviderAgent> = {}, sessionId: string | null = id): CommandRequest => ({
    mode, agent: agent(over), sessionId, sourceSessionId: mode === "fork" ? other : null, stateDirectory: join(root, "state")
  })
  /** A process that lives as long as the test. */
  const live = Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync((): ChildProcess => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })),
      (started) => Effect.sync(() => started.kill("SIGKILL"))
    )
    const pid = child.pid ?? 0
    const reading = yield* readProcess(pid)
    if (reading.state !== "alive") return yield* Effect.die("the process is not there")
    return { pid, startTime: reading.startTime, ticks: reading.startTime.split("@")[0] ?? "", child }
  })
  const record = (pid: number, fields: object) =>
    writeFileSync(join(configHome, "sessions", `${pid}.json`), JSON.stringify({ pid, sessionId: id, cwd, ...fields }))
  return { root, configHome, cwd, driver, agent, request, live, record }
})

describe("a process's own record", () => {
  it.scopedLive("names its session and what it does, for the process of that start time only", () =>
    Effect.gen(function*() {
      const { agent, driver, live, record } = yield* world
      const { pid, startTime, ticks } = yield* live
      const asked = driver.processEvidence
      if (asked === undefined) return yield* Effect.die("no evidence")
      const evidence = (alive = true) => asked({ pid, startTime, alive, agent: agent() })
      expect(yield* evidence()).toBeNull()
      for (const [status, state] of [["idle", "idle"], ["busy", "busy"], ["waiting", "awaiting_approval"], ["odd", "unknown"]]) {
        record(pid, { procStart: ticks, status })
        expect(yield* evidence()).toMatchObject({ sessionId: id, state })
      }
      record(pid, { procStart: ticks, status: "idle" })
      expect(yield* evidence(false)).toMatchObject({ sessionId: id, state: null })
      // Left by an earlier process of that number.
      record(pid, { procStart: "1", status: "idle" })
      expect(yield* evidence()).toBeNull()
      expect(yield* evidence(false)).toBeNull()
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("one that can't be read is unknown, not absent", () =>
    Effect.gen(function*() {
      const { agent, configHome, driver, live } = yield* world
      const { pid, startTime } = yield* live
      writeFileSync(join(configHome, "sessions", `${pid}.json`), "{\"pid\":")
      const answer = (alive: boolean) => driver.processEvidence?.({ pid, startTime, alive, agent: agent() }) ?? Effect.die("no evidence")
      expect((yield* Effect.exit(answer(true)))._tag).toBe("Failure")
      // The kill that ended its process tore it, and nobody will ever mend it.
      expect(yield* answer(false)).toBeNull()
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("a second process on one conversation is seen, though Claude Code does not refuse it; a stale record is not", () =>
    Effect.gen(function*() {
      const { agent, driver, live, record } = yield* world
      const [one, two, three] = [yield* live, yield* live, yield* live]
      record(one.pid, { procStart: one.ticks })
      record(two.pid, { procStart: "1" })
      record(three.pid, { procStart: three.ticks, sessionId: other })
      record(2_147_483_646, { procStart: "1" })
      const held = yield* driver.sessionHolders?.(agent(), id) ?? Effect.die("no holders")
      expect(held.map(({ pid, startTime }) => ({ pid, startTime }))).toEqual([{ pid: one.pid, startTime: one.startTime }])
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("a record that a kill tore keeps nobody from a conversation; one of a live process does", () =>
    Effect.gen(function*() {
      const { agent, configHome, driver, live } = yield* world
      const torn = (pid: number) => writeFileSync(join(configHome, "sessions", `${pid}.json`), "{\"pid\":")
      const ask = Effect.suspend(() => driver.sessionHolders?.(agent(), id) ?? Effect.die("no holders"))
      torn(2_147_483_646)
      expect(yield* ask).toEqual([])
      torn((yield* live).pid)
      expect((yield* Effect.exit(ask))._tag).toBe("Failure")
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("recognising", () => {
  it.scopedLive("an exact session is told by the record, anything else is told why not", () =>
    Effect.gen(function*() {
      const { configHome, cwd, driver, live, record, root } = yield* world
      const { pid, startTime, ticks } = yield* live
      const look = (argv: ReadonlyArray<string>) =>
        driver.recognise?.({
          pid, ppid: 1, startTime, cwd, argv,
          env: { HOME: root, CLAUDE_CONFIG_DIR: configHome, ANTHROPIC_AUTH_TOKEN: "secret", ANTHROPIC_BASE_URL: "http://u:p@h" }
        }) ?? Effect.die("it does not recognise")
      expect(yield* look(["vim"])).toBeNull()
      expect(yield* look(["claude", "-p", "say"])).toBeNull()
      expect(yield* look(["claude", "mcp", "list"])).toBeNull()
      expect(yield* look(["claude"])).toMatchObject({ sessionId: null, cwd })
      record(pid, { procStart: "1", kind: "interactive" })
      expect(yield* look(["claude"])).toMatchObject({ sessionId: null })
      record(pid, { procStart: ticks, kind: "bg" })
      expect(yield* look(["claude"])).toMatchObject({ sessionId: null })
      record(pid, { procStart: ticks, kind: "interactive" })
      const found = yield* look(["/opt/bin/claude", "--model", "opus", "--permission-mode=plan", "--allowedTools", "Bash(git *)", "Read"])
      expect(found).toMatchObject({
        sessionId: id, transcript: null, cwd, model: "opus", permissions: "plan",
        options: { allowTools: ["Bash(git *)", "Read"] }, env: { CLAUDE_CONFIG_DIR: configHome }
      })
      expect(JSON.stringify(found)).not.toContain("secret")
      expect(JSON.stringify(found)).not.toContain("u:p@")
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("command", () => {
  it.scopedLive("what is no session ID is refused: Claude Code would open a picker and wait", () =>
    Effect.gen(function*() {
      const { driver, request } = yield* world
      for (const wrong of ["not-a-uuid", "", "--help", `${id} `, "alpha"]) {
        const { _tag: answer } = yield* Effect.exit(driver.command(request("resume", {}, wrong)))
        expect({ wrong, answer }).toEqual({ wrong, answer: "Failure" })
      }
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("the permission mode is always named, and root's sandbox only where it is needed", () =>
    Effect.gen(function*() {
      const { driver, request } = yield* world
      for (const mode of ["fresh", "resume", "fork"] as const) {
        const plain = yield* driver.command(request(mode))
        expect(plain.argv.join(" ")).toContain("--permission-mode default")
        expect(plain.argv).not.toContain("--dangerously-skip-permissions")
        expect(plain.env["IS_SANDBOX"]).toBeUndefined()
        const bypass = yield* driver.command(request(mode, { permissions: "bypassPermissions" }))
        expect(bypass.argv).toContain("--dangerously-skip-permissions")
        expect(bypass.argv).not.toContain("--permission-mode")
        expect(bypass.env["IS_SANDBOX"]).toBe(process.getuid?.() === 0 ? "1" : undefined)
      }
      const fork = yield* driver.command(request("fork"))
      expect(fork.argv.slice(-5)).toEqual(["--resume", other, "--fork-session", "--session-id", id])
      expect(fork.expectedSession).toBe(id)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("texts and servers go into files, tools and rules into words of their own", () =>
    Effect.gen(function*() {
      const { driver, request, root } = yield* world
      const plan = yield* driver.command(request("fresh", {
        role: "tester", prompt: "- be kind", tools: ["fs_read", "fs_list"],
        options: { allowTools: ["Bash(git *)"], denyTools: ["WebFetch"] },
        mcp: { mini: { command: "node", args: ["x.mjs"], env: { TOKEN: "hidden" } } }
      }))
      expect(plan.files.map(({ path }) => path)).toEqual([
        join(root, "state", "claude-system-prompt.md"), join(root, "state", "claude-mcp.json")
      ])
      expect(plan.argv.join("\n")).not.toContain("hidden")
      expect(plan.files[0]?.content).toBe("Your role: tester\n\n- be kind\n")
      expect(plan.argv).toContain("--strict-mcp-config")
      const denied = plan.argv.filter((_, at) => plan.argv[at - 1] === "--disallowedTools")
      expect(denied).toEqual(["Bash", "Edit", "Write", "NotebookEdit", "WebFetch"])
      const own = yield* driver.command(request("fresh", { tools: ["Read", "Edit"] }))
      expect(own.argv.join(" ")).toContain("--tools Read,Edit")
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("a value that looks like a flag", () => {
  it.scopedLive("is never read as one", () =>
    Effect.gen(function*() {
      const { driver, request } = yield* world
      const plan = yield* driver.command(request("fresh", { model: "--dangerously-skip-permissions", effort: "-p" }))
      expect(plan.argv).toContain("--model=--dangerously-skip-permissions")
      expect(plan.argv).toContain("--effort=-p")
      expect(plan.argv).not.toContain("--dangerously-skip-permissions")
      for (const name of ["allowTools", "denyTools", "addDirectories"]) {
        expect(driver.checkOptions({ [name]: ["--print"] }).length).toBeGreaterThan(0)
      }
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("places", () => {
  it.scopedLive("a resume goes to the config home that its conversation is in", () =>
    Effect.gen(function*() {
      const { configHome, driver, request, root } = yield* world
      expect(yield* driver.command(request("fresh"))).toMatchObject({ configHome, env: {} })
      // A resume from a shell that has another one, or none.
      const elsewhere = yield* driver.command(request("resume", { env: { HOME: root }, configHome }))
      expect(elsewhere).toMatchObject({ configHome, env: { CLAUDE_CONFIG_DIR: configHome } })
      const atHome = yield* driver.command(request("resume", { configHome: join(root, ".claude") }))
      expect(atHome.env["CLAUDE_CONFIG_DIR"]).toBeNull()
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("a directory's conversations are under its real path", () =>
    Effect.gen(function*() {
      const { agent, configHome, cwd, driver, root } = yield* world
      const link = join(root, "link")
      symlinkSync(cwd, link)
      const address = driver.sessionAddress(agent({ cwd: link }), id)
      expect(address.transcript).toBe(join(configHome, "projects", projectName(cwd), `${id}.jsonl`))
      expect(driver.sessionAddress(agent(), "not-a-uuid").transcript).toBeNull()
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("of a directory that was moved they stay under the old path, where Claude Code finds and continues them by the ID", () =>
    Effect.gen(function*() {
      const { agent, configHome, cwd, driver, live, record } = yield* world
      const [own, old, older] = [cwd, "/old/work", "/older/work"].map((path) => join(configHome, "projects", projectName(path)))
      const write = (directory = "") => {
        mkdirSync(directory, { recursive: true })
        writeFileSync(join(directory, `${id}.jsonl`), "{}\n")
        return join(directory, `${id}.jsonl`)
      }
      const address = () => driver.sessionAddress(agent(), id)
      const said = Effect.gen(function*() {
        const { pid, startTime, ticks } = yield* live
        record(pid, { procStart: ticks, cwd })
        return (yield* driver.processEvidence?.({ pid, startTime, alive: true, agent: agent() }) ?? Effect.succeed(null))?.transcript
      })
      expect(address()).toEqual({ directory: own, transcript: join(own ?? "", `${id}.jsonl`) })
      const moved = write(old)
      expect(address()).toEqual({ directory: own, transcript: moved, alsoIn: [old] })
      expect(yield* said).toBe(moved)
      // Another one of the same ID: neither is surely the one.
      write(older)
      expect(address().transcript).toBe(join(own ?? "", `${id}.jsonl`))
      const here = write(own)
      expect(address()).toEqual({ directory: own, transcript: here })
      expect(yield* said).toBe(here)
    }).pipe(Effect.provide(NodeContext.layer)))

  it("names are dashed as Claude Code does it", () => {
    expect(projectName("/w/d.ot_un der")).toBe("-w-d-ot-un-der")
    expect(projectName("/w/ünï漢🎭")).toBe("-w--n----")
    const long = `/tmp/ra-50xTZC/work/${"a".repeat(120)}/${"b".repeat(120)}`
    expect(projectName(long)).toBe(`${long.slice(0, 200).replace(/[^A-Za-z0-9]/g, "-")}-36vng7`)
  })
})

describe("before a start", () => {
  it.scopedLive("a version beyond the proved one and a login that was not seen are told, a mode that there is not is refused", () =>
    Effect.gen(function*() {
      const { agent, configHome, driver, root } = yield* world
      const bin = join(root, "bin")
      mkdirSync(bin)
      const program = (version: string) => {
        writeFileSync(join(bin, "claude"), `#!/bin/sh\necho '${version} (Claude Code)'\n`)
        chmodSync(join(bin, "claude"), 0o755)
      }
      const env = { HOME: root, PATH: `${bin}:/usr/bin:/bin`, CLAUDE_CONFIG_DIR: configHome }
      const check = (over: Partial<ProviderAgent> = {}, more: Readonly<Record<string, string>> = {}) =>
        Effect.map(
          driver.checkStart?.(agent(over), { ...env, ...more }) ?? Effect.die("no check"),
          (problems) => problems.map(({ kind, severity }) => `${severity} ${kind}`)
        )
      const login = { ANTHROPIC_API_KEY: "x" }
      program("2.1.330")
      expect(yield* check({}, login)).toEqual([])
      expect(yield* check({ permissions: "ask" }, login)).toEqual(["refusal bad_flags"])
      expect(yield* check({ tools: ["Read", "--dangerously-skip-permissions"] }, login)).toEqual(["refusal bad_flags"])
      expect(yield* check({ effort: "extreme" }, login)).toEqual(["warning bad_flags"])
      expect(yield* check()).toEqual(["refusal auth"])
      writeFileSync(join(configHome, ".claude.json"), "{}")
      expect(yield* check()).toEqual(["warning auth"])
      writeFileSync(join(configHome, ".credentials.json"), "{}")
      expect(yield* check()).toEqual([])
      program("2.10.0-beta")
      expect(yield* check()).toEqual(["warning unknown"])
      // Both at once: neither takes the other's answer away.
      expect(yield* Effect.all([check(), check()], { concurrency: 2 })).toEqual([["warning unknown"], ["warning unknown"]])
    }).pipe(Effect.provide(NodeContext.layer)))
})
