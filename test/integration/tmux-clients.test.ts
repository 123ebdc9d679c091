import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { expect } from "vitest"
import { processState, type TransportDriver } from "reprise/plugin"
import { openConnection } from "../../plugins/transports/tmux/ControlConnection.ts"
import { withControlLock } from "../../plugins/transports/tmux/control-lock.ts"
import { eventually, hasTmux, makeWorld } from "./tmux-world.ts"

// Who may look at a server, from where, and in what company, without any agent or any reading being the worse for it.

const run = (socket: string, ...words: ReadonlyArray<string>) =>
  execFileSync("tmux", ["-S", socket, ...words], { env: { PATH: process.env["PATH"] ?? "" } }).toString().trim()

const listeners = (socket: string) => run(socket, "list-clients", "-F", "#{client_flags}").split("\n").filter((line) => line !== "")

/** Consumes the events for as long as the scope lasts. */
const follow = (tmux: TransportDriver) => Effect.forkScoped(Stream.runDrain(tmux.events))

describe.skipIf(!hasTmux)("clients of the tmux server", () => {
  it.scopedLive("one-shot work attaches no client; who follows the events attaches one, and leaves with its scope", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const { out, request } = world.reporting()
      const pane = yield* tmux.spawn(request)
      yield* world.report(out)
      yield* tmux.list
      yield* tmux.inspect(pane)
      yield* tmux.capture(pane)
      yield* tmux.paste(pane, "hello")
      expect(listeners(world.socket)).toEqual([])
      const scope = yield* Scope.make()
      const second = yield* Scope.extend(world.transport(), scope)
      yield* Scope.extend(Effect.all([follow(second), follow(second)]), scope)
      const [flags = "", ...others] = yield* eventually("a client", Effect.sync(() => {
        const found = listeners(world.socket)
        return found.length > 0 ? found : null
      }))
      expect(others).toEqual([])
      expect(flags).toMatch(/control-mode.*ignore-size.*no-output/)
      yield* tmux.paste(pane, "again")
      yield* Scope.close(scope, Exit.void)
      expect(listeners(world.socket)).toEqual([])
    }))

  it.scopedLive("many clients in control mode come and go at the same time, and the server lives", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      yield* tmux.spawn(world.request())
      const server = yield* world.serverPid
      const locked = withControlLock(world.at("run", "control.lock"), 30_000)
      const visit = Effect.gen(function*() {
        const connection = yield* locked(openConnection({
          tmux: "tmux",
          socket: world.socket,
          session: "=reprise",
          env: { PATH: process.env["PATH"] ?? "" },
          timeoutMs: 20_000
        }))
        yield* connection.exchange([{ line: "list-panes -a", complete: () => true }])
        yield* locked(connection.close("done"))
      })
      yield* Effect.forEach(Array.from({ length: 64 }), () => visit, { concurrency: 8, discard: true })
      expect(yield* world.serverPid).toEqual(server)
    }))

  it.scopedLive("a process that was killed while it held the lock keeps nobody waiting", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const path = world.at("run", "control.lock")
      const program = `
        const held = new (require("better-sqlite3"))(${JSON.stringify(path)})
        held.exec("BEGIN EXCLUSIVE")
        process.kill(process.pid, "SIGKILL")`
      expect(() => execFileSync(process.execPath, ["-e", program], { stdio: "ignore" })).toThrow()
      expect(yield* withControlLock(path, 2000)(Effect.succeed("mine"))).toBe("mine")
    }))

  it.scopedLive("windows keep their size, whatever clients come, and get it back from one who changed it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const first = yield* tmux.spawn(world.request())
      const size = { columns: 200, rows: 50 }
      for (const [columns, rows] of [[24, 8], [10, 3]]) {
        const visit = `stty cols ${columns} rows ${rows}; (sleep 0.5; tmux -S ${world.socket} detach-client -s reprise) & ` +
          `exec tmux -S ${world.socket} attach -t ${first.pane}`
        const client = execFileSync("script", ["-qfec", visit, "/dev/null"], {
          env: { PATH: process.env["PATH"] ?? "", TERM: "xterm" },
          stdio: ["ignore", "pipe", "ignore"],
          timeout: 20_000
        })
        expect(client.length).toBeGreaterThan(0)
        expect((yield* tmux.capture(first)).size).toEqual(size)
      }
      run(world.socket, "resize-window", "-t", first.pane, "-x", "10", "-y", "3")
      expect((yield* tmux.capture(first)).size).toEqual(size)
      // As windows were made before they had a size of their own.
      run(world.socket, "set-option", "-w", "-u", "-t", first.pane, "window-size")
      expect((yield* tmux.capture(first)).size).toEqual(size)
      expect(run(world.socket, "display-message", "-p", "-t", first.pane, "#{window-size}")).toBe("manual")
    }))
})

describe.skipIf(!hasTmux)("the tmux server of a workspace", () => {
  it.scopedLive("is found from an environment that would put it elsewhere, and no second one is started", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const pane = yield* tmux.spawn(world.request())
      mkdirSync(world.at("elsewhere"), { mode: 0o700 })
      const other = yield* world.transport({}, "state", { runtimeDirectory: world.at("elsewhere") })
      expect((yield* other.list).panes.map(({ identity }) => identity)).toEqual([pane])
      expect(yield* other.inspect(pane)).toMatchObject({ state: "alive" })
      yield* other.press(pane, ["x"])
      const next = yield* other.spawn(world.request())
      expect(next.endpoint).toBe(world.socket)
      expect(other.attachCommand).toEqual(["tmux", "-S", world.socket, "attach", "-t", "reprise"])
      expect(existsSync(world.at("elsewhere", "tmux"))).toBe(false)
      // Once it is gone, a new one goes where this environment puts it, and everybody finds it there.
      const server = yield* world.serverPid
      if (server === null) return expect.fail("there is no server")
      process.kill(server.pid, "SIGKILL")
      yield* eventually("the agent's end", Effect.map(processState(pane), (state) => state === "dead"))
      yield* Effect.addFinalizer(() => Effect.sync(() => run(world.at("elsewhere", "tmux"), "kill-server")))
      const moved = yield* other.spawn(world.request())
      expect(moved.endpoint).toBe(world.at("elsewhere", "tmux"))
      expect(yield* tmux.inspect(moved)).toMatchObject({ state: "alive" })
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "dead" })
    }))

  it.scopedLive("is not that of a copy, and is that of a workspace that was moved", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const pane = yield* (yield* world.transport()).spawn(world.request())
      for (const name of ["copy", "copy-run"]) mkdirSync(world.at(name), { mode: 0o700 })
      const copied = yield* world.transport({}, "state", { workspace: world.at("copy"), runtimeDirectory: world.at("copy-run") })
      expect(yield* copied.list).toMatchObject({ home: "absent", panes: [] })
      // Also where its socket would be the same.
      const same = yield* world.transport({}, "state", { workspace: world.at("copy") })
      const refused = yield* Effect.flip(same.list)
      expect(refused).toMatchObject({ reason: "Unreachable" })
      expect(refused.message).toContain(world.at("work"))
      execFileSync("mv", [world.at("work"), world.at("moved")])
      const moved = yield* world.transport({}, "state", { workspace: world.at("moved"), runtimeDirectory: world.at("copy-run") })
      expect((yield* moved.list).panes.map(({ identity }) => identity)).toEqual([pane])
      expect(run(world.socket, "show-options", "-sv", "@reprise_workspace_id")).toBe("w-1")
    }))

  it.scopedLive("and its session are known by their content, whatever a user renames, moves, groups or closes", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const pane = yield* tmux.spawn(world.request())
      run(world.socket, "rename-session", "-t", "reprise", "my team")
      run(world.socket, "rename-window", "-t", pane.pane, "mine")
      run(world.socket, "new-session", "-d", "-s", "reprise", "sleep 600")
      run(world.socket, "new-session", "-d", "-t", "my team")
      const listing = yield* tmux.list
      expect(listing.panes.map(({ identity }) => identity.spawn)).toEqual([pane.spawn])
      expect(listing.foreign.map(({ session }) => session)).toEqual(["reprise"])
      expect(tmux.attachCommand?.at(-1)).toBe("my team")
      yield* tmux.paste(pane, "hello")
      run(world.socket, "kill-window", "-t", "my team:keeper")
      const next = yield* tmux.spawn(world.request())
      expect(next.session).toBe("my team")
      run(world.socket, "move-window", "-s", pane.pane, "-t", "reprise:")
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "alive" })
      yield* tmux.press(pane, ["x"])
      expect(yield* tmux.stop(pane, { graceMs: 1000 })).toMatchObject({ gone: true })
      expect(yield* tmux.stop(next, { graceMs: 1000 })).toMatchObject({ gone: true })
      // Its last window was an agent's: the session is gone, and the next start makes another beside the user's.
      const again = yield* tmux.spawn(world.request())
      expect(again.session).toBe("reprise-2")
      expect(yield* tmux.inspect(again)).toMatchObject({ state: "alive" })
    }))

  it.scopedLive("that speaks another protocol, or hangs, is named with its process, and time is bounded", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const pane = yield* (yield* world.transport()).spawn(world.request())
      const server = yield* world.serverPid
      mkdirSync(world.at("bin"))
      const program = world.at("bin", "tmux")
      const env = { PATH: `${world.at("bin")}:${process.env["PATH"] ?? ""}` }
      for (const [script, words] of [
        ["echo 'protocol version mismatch (client 8, server 7)' >&2; exit 1", "do not speak the same protocol"],
        ["echo 'server version mismatch' >&2; exit 1", "do not speak the same protocol"],
        ["exec sleep 600", "did not answer within 600 ms"]
      ]) {
        writeFileSync(program, `#!/bin/sh\n${script}\n`)
        chmodSync(program, 0o755)
        const tmux = yield* world.transport({ commandTimeoutMs: 600 }, "state", { env })
        const listed = yield* Effect.flip(tmux.list)
        for (const each of [listed, yield* Effect.flip(tmux.paste(pane, "x")), yield* Effect.flip(tmux.closeHome ?? Effect.die("none"))]) {
          expect(each.reason).toBe("Unreachable")
        }
        expect(listed.message).toContain(words)
        expect(listed.message).toContain(`kill ${server?.pid}`)
        expect(yield* tmux.inspect(pane)).toMatchObject({ state: "unknown" })
        expect(yield* processState(pane)).toBe("alive")
      }
      // Its agents are ended without it all the same.
      const tmux = yield* world.transport({ commandTimeoutMs: 600 }, "state", { env })
      expect(yield* tmux.stop(pane, { graceMs: 1000 })).toMatchObject({ gone: true })
      expect(readFileSync(world.at("state", "server.json"), "utf8")).toContain(`"pid":${server?.pid}`)
    }))
})
