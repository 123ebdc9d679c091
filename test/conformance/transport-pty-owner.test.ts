import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs"
import { createInterface } from "node:readline"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { endProcessTree, PaneIdentity, PluginContext, processState, SpawnToken } from "reprise/plugin"
import { transportOf } from "reprise/testing"
import plugin from "../../plugins/transports/pty/index.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "rp-")))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

const open = (at: string) =>
  transportOf(plugin, "pty").pipe(
    Effect.provideService(PluginContext, { workspace: at, workspaceId: Effect.succeed("w-1"), stateDirectory: at, runtimeDirectory: at, env: {} }),
    Effect.provide(NodeContext.layer)
  )

const request = (cwd: string, program: string) => ({
  team: "alpha",
  agent: "coder",
  generation: 1,
  spawn: SpawnToken.make("s1"),
  argv: [process.execPath, "-e", program],
  cwd,
  env: {}
})

const eventually = <A>(what: string, look: Effect.Effect<A | null>) =>
  Effect.gen(function*() {
    const deadline = Date.now() + 30_000
    for (;;) {
      const found = yield* look
      if (found !== null) return found
      if (Date.now() > deadline) return yield* Effect.dieMessage(`in vain: ${what}`)
      yield* Effect.sleep(20)
    }
  })

const idle = "setInterval(() => {}, 1000)"

it.scopedLive("a program that does not read keeps nobody else waiting", () =>
  Effect.gen(function*() {
    const at = yield* directory
    const driver = yield* open(at)
    const pane = yield* driver.spawn(request(at, idle))
    const paste = yield* Effect.fork(Effect.either(driver.paste(pane, "a line\n".repeat(100_000))))
    yield* Effect.sleep(300)
    expect(paste.unsafePoll()).toBeNull()
    expect((yield* driver.list).panes).toHaveLength(1)
    const report = yield* driver.stop(pane, { graceMs: 1000 })
    expect(report.gone).toBe(true)
    const answer = yield* Fiber.join(paste)
    expect(answer._tag === "Left" && answer.left.reason).toBe("Gone")
  }), 60_000)

it.scopedLive("an over-long line is refused where the program takes no pastes", () =>
  Effect.gen(function*() {
    const at = yield* directory
    const driver = yield* open(at)
    const pane = yield* driver.spawn(request(at, idle))
    const answer = yield* Effect.either(driver.paste(pane, "x".repeat(5000)))
    expect(answer._tag === "Left" && answer.left.reason).toBe("Refused")
  }), 60_000)

it.scopedLive("who opens it while another owns the agents is told where they live", () =>
  Effect.gen(function*() {
    const at = yield* directory
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    const owner = yield* Scope.extend(open(at), scope)
    expect(owner.residence).toBeNull()
    const pane = yield* owner.spawn(request(at, idle))
    expect(statSync(join(at, "pty.json")).mode & 0o777).toBe(0o600)

    const other = yield* open(at)
    expect(other.residence).toContain(`live in process ${process.pid} `)
    const listed = yield* Effect.flip(other.list)
    expect(listed.reason).toBe("Unreachable")
    expect(listed.message).toBe(other.residence)
    expect((yield* other.inspect(pane)).state).toBe("alive")

    yield* Scope.close(scope, Exit.void)
    expect(yield* processState(pane)).toBe("dead")
    expect((yield* other.list).home).toBe("absent")
    expect((yield* other.inspect(pane)).state).toBe("dead")
    expect(readdirSync(at)).toEqual([])
  }), 60_000)

it.scopedLive("an agent whose owner was killed is an orphan that can be stopped", () =>
  Effect.gen(function*() {
    const at = yield* directory
    const owner = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [
          "--conditions=source",
          "--import",
          "tsx",
          fileURLToPath(new URL("./pty-owner.ts", import.meta.url)),
          at,
          at,
          `process.on("SIGHUP", () => {}); require("fs").writeFileSync("deaf", ""); ${idle}`
        ], { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env["PATH"] ?? "", HOME: at } })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const line = yield* Effect.async<string>((resume) => {
      createInterface({ input: owner.stdout }).once("line", (text) => resume(Effect.succeed(text)))
    })
    const pane = yield* Schema.decode(Schema.parseJson(PaneIdentity))(line)
    yield* Effect.addFinalizer(() => endProcessTree(pane, 0))
    yield* eventually("the agent ignores hang-ups", Effect.sync(() => existsSync(join(at, "deaf")) ? true : null))
    const driver = yield* open(at)
    expect(driver.residence).toContain(`live in process ${owner.pid} (pty-owner.ts)`)

    owner.kill("SIGKILL")
    yield* eventually("nobody owns the agents", Effect.map(Effect.option(driver.list), (listing) =>
      listing._tag === "Some" && listing.value.home === "absent" ? true : null))
    expect((yield* driver.inspect(pane)).state).toBe("orphaned")
    const orphan = { identity: pane, team: "alpha", agent: "coder", generation: 1 }
    expect((yield* driver.list).orphans).toEqual([orphan])

    // The next owner takes the place of the dead one, and does not lose whom that one left.
    const next = yield* driver.spawn({ ...request(at, idle), spawn: SpawnToken.make("s2") })
    const listing = yield* driver.list
    expect(listing.panes.map(({ identity }) => identity)).toEqual([next])
    expect(listing.orphans).toEqual([orphan])
    expect((yield* driver.inspect(pane)).state).toBe("orphaned")
    expect(readFileSync(join(at, "pty.json"), "utf8")).toContain('"s1"')
    const report = yield* driver.stop(pane, { graceMs: 1000 })
    expect(report.gone).toBe(true)
    expect(yield* processState(pane)).toBe("dead")
    expect(yield* driver.list).not.toHaveProperty("orphans")
    expect(readFileSync(join(at, "pty.json"), "utf8")).not.toContain('"s1"')
  }), 90_000)
