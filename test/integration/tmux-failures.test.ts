import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { expect } from "vitest"
import { endProcessTree, PaneIdentity, processState, type SpawnRequest, SpawnToken, type TransportDriver, type TransportEvent } from "reprise/plugin"
import { eventually, hasTmux, makeWorld } from "./tmux-world.ts"

/** Follows the events; answers when it certainly hears them, since an agent's end was told. */
const follow = (tmux: TransportDriver, probe: () => SpawnRequest) =>
  Effect.gen(function*() {
    const seen: Array<TransportEvent> = []
    yield* tmux.events.pipe(
      Stream.runForEach((event) => Effect.sync(() => void seen.push(event))),
      Effect.forkScoped
    )
    yield* eventually("the first event", Effect.gen(function*() {
      if (seen.length > 0) return true
      yield* tmux.spawn({ ...probe(), argv: ["true"] })
      yield* Effect.sleep(50)
      return seen.length > 0
    }))
    return {
      seen,
      next: (what: string, wanted: (event: TransportEvent) => boolean) =>
        eventually(what, Effect.sync(() => seen.find(wanted)))
    }
  })

const died = (pane: PaneIdentity) => (event: TransportEvent) => event._tag === "Exited" && event.pane.spawn === pane.spawn

const run = (socket: string, ...words: ReadonlyArray<string>) =>
  execFileSync("tmux", ["-S", socket, ...words], { env: { PATH: process.env["PATH"] ?? "" } }).toString()

/** The control clients of the server: their pids. */
const clients = (socket: string) =>
  run(socket, "list-clients", "-F", "#{client_pid}").split("\n").filter((line) => line !== "").map(Number)

/** Kills the control client of the process that follows the events, and answers with its pid. */
const killClient = (socket: string): number => {
  const [client] = clients(socket)
  if (client === undefined) throw new Error("there is no control client")
  process.kill(client, "SIGKILL")
  return client
}

/** Kills a process; never a group of them. */
const kill = (server: { readonly pid: number } | null): void => {
  if (server === null) throw new Error("there is no server")
  process.kill(server.pid, "SIGKILL")
}

/** Starts a server of somebody else's on the socket, as soon as its predecessor's is out of the way. */
const startTheirs = (socket: string): void => {
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      run(socket, "-f", "/dev/null", "new-session", "-d", "-s", "theirs", "sleep 600")
      return
    } catch (error) {
      if (Date.now() >= deadline) throw error
    }
  }
}

describe.skipIf(!hasTmux)("tmux transport when things go wrong", () => {
  it.scopedLive("tells a killed agent with its status, and one that ended by itself", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const before = yield* tmux.spawn(world.request())
      const { next } = yield* follow(tmux, world.request)
      const after = yield* tmux.spawn(world.request())
      const leaving = yield* tmux.spawn(world.request({ argv: ["sh", "-c", "exit 7"] }))
      process.kill(before.pid, "SIGKILL")
      process.kill(after.pid, "SIGKILL")
      expect(yield* next("the first death", died(before))).toEqual({
        _tag: "Exited",
        pane: before,
        exit: { code: 137, signal: 9 }
      })
      expect(yield* next("the second death", died(after))).toMatchObject({ exit: { code: 137, signal: 9 } })
      expect(yield* next("the end", died(leaving))).toEqual({
        _tag: "Exited",
        pane: leaving,
        exit: { code: 7, signal: null }
      })
      expect(yield* tmux.inspect(before)).toMatchObject({ state: "dead", exit: { code: 137, signal: 9 } })
      for (const step of [tmux.paste(before, "x"), tmux.press(before, ["Enter"]), Effect.asVoid(tmux.capture(before))]) {
        expect((yield* Effect.flip(step)).reason).toBe("Gone")
      }
      expect(yield* tmux.stop(before, { graceMs: 0 })).toMatchObject({ gone: true })
    }))

  it.scopedLive("a death that nobody recorded has no status", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const pane = yield* tmux.spawn(world.request())
      const recorder = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pane.pid}/status`, "utf8"))?.[1])
      process.kill(recorder, "SIGKILL")
      yield* eventually("the end", Effect.map(processState(pane), (state) => state === "dead"))
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "dead", exit: null })
    }))

  it.scopedLive("a server in which everything was killed is empty, and takes new agents", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const pane = yield* (yield* world.transport()).spawn(world.request())
      for (const pid of run(world.socket, "list-panes", "-a", "-F", "#{pane_pid}").trim().split("\n")) {
        process.kill(Number(pid), "SIGKILL")
      }
      yield* eventually("a server without a session", Effect.sync(() => run(world.socket, "list-sessions") === ""))
      const tmux = yield* world.transport()
      yield* eventually("the agent's end", Effect.map(tmux.inspect(pane), (found) => found.state === "dead"))
      expect((yield* tmux.list).panes).toEqual([])
      const again = yield* tmux.spawn(world.request())
      expect(yield* tmux.inspect(again)).toMatchObject({ state: "alive" })
    }))

  it.scopedLive("tells that the server was killed, and starts another", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const pane = yield* tmux.spawn(world.request())
      const stubborn = yield* tmux.spawn(world.request({ argv: ["sh", "-c", "trap '' HUP; while :; do sleep 1; done"] }))
      yield* Effect.addFinalizer(() => endProcessTree(stubborn, 0))
      const { next, seen } = yield* follow(tmux, world.request)
      const server = yield* world.serverPid
      kill(server)
      yield* next("the news", (event) => event._tag === "HomeGone")
      yield* eventually("the agent's end", Effect.map(tmux.inspect(pane), (found) => found.state === "dead"))
      expect(yield* tmux.inspect(stubborn)).toMatchObject({ state: "orphaned" })
      const { pid, spawn, startTime } = stubborn
      expect(yield* tmux.list).toMatchObject({
        home: "absent",
        panes: [],
        foreign: [],
        orphans: [{ identity: { pid, spawn, startTime }, team: "alpha", generation: 1 }]
      })
      expect((yield* Effect.flip(tmux.paste(stubborn, "x"))).reason).toBe("Gone")
      expect(yield* tmux.stop(stubborn, { graceMs: 50 })).toMatchObject({ gone: true, survivors: [] })
      const again = yield* tmux.spawn(world.request())
      expect(yield* tmux.inspect(again)).toMatchObject({ state: "alive" })
      process.kill(again.pid, "SIGKILL")
      yield* next("a death on the new server", died(again))
      expect(seen.filter((event) => event._tag === "HomeGone")).toHaveLength(1)
    }))

  it.scopedLive("a foreign pane that took our pane's id is neither ours nor touched", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const pane = yield* tmux.spawn(world.request())
      const server = yield* world.serverPid
      kill(server)
      yield* eventually("the agent's end", Effect.map(processState(pane), (state) => state === "dead"))
      yield* eventually("another server", Effect.sync(() => {
        try {
          run(world.socket, "-f", "/dev/null", "new-session", "-d", "-s", "theirs", "sleep 600")
          return true
        } catch {
          return false
        }
      }))
      run(world.socket, "new-window", "-d", "-t", "theirs", "sleep 601")
      expect((yield* tmux.list).home).toBe("up")
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "foreign" })
      // The session of ours beside theirs.
      const mine = yield* tmux.spawn(world.request())
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "foreign" })
      const listing = yield* tmux.list
      expect(listing.panes.map((each) => each.identity)).toEqual([mine])
      expect(listing.foreign.map((each) => each.session)).toEqual(["theirs", "theirs"])
      const taken = { ...mine, pane: pane.pane }
      expect((yield* Effect.flip(tmux.press({ ...taken, spawn: pane.spawn }, ["C-c"]))).reason).toBe("Foreign")
      expect(yield* tmux.stop(pane, { graceMs: 0 })).toMatchObject({ gone: true })
      expect((yield* tmux.list).foreign).toHaveLength(2)
    }))

  it.scopedLive("a server that was replaced, or a connection that broke, in this very moment is no failure to look", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const pane = yield* tmux.spawn(world.request())
      yield* follow(tmux, world.request)
      expect((yield* tmux.list).panes).toHaveLength(1)
      // None of this lets the transport hear of it: nothing else runs meanwhile.
      const client = killClient(world.socket)
      while (clients(world.socket).includes(client)) run(world.socket, "list-sessions")
      expect((yield* tmux.list).panes).toHaveLength(1)
      const server = yield* world.serverPid
      kill(server)
      startTheirs(world.socket)
      const next = yield* tmux.spawn(world.request())
      const listing = yield* tmux.list
      expect(listing.panes.map(({ identity }) => identity)).toEqual([next])
      expect(listing.foreign.map(({ session }) => session)).toEqual(["theirs"])
      yield* eventually("the agent's end", Effect.map(tmux.inspect(pane), ({ state }) => state === "dead" || state === "foreign"))
    }))

  it.scopedLive("a connection that is killed is replaced, and no death is missed", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const pane = yield* tmux.spawn(world.request())
      const other = yield* tmux.spawn(world.request())
      const { next, seen } = yield* follow(tmux, world.request)
      const client = killClient(world.socket)
      process.kill(pane.pid, "SIGKILL")
      expect(yield* next("the death", died(pane))).toMatchObject({ exit: { code: 137 } })
      yield* eventually("a new connection", Effect.map(Effect.either(tmux.inspect(other)), (found) =>
        found._tag === "Right" && found.right.state === "alive"))
      expect(clients(world.socket)).not.toContain(client)
      expect(seen.some((event) => event._tag === "HomeGone")).toBe(false)
    }))

  it.scopedLive("a tmux that hangs is a failure from which nothing follows, and it recovers", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport({ commandTimeoutMs: 700 })
      const pane = yield* tmux.spawn(world.request())
      const server = yield* world.serverPid
      const pid = server?.pid ?? Number.NaN
      process.kill(pid, "SIGSTOP")
      yield* Effect.gen(function*() {
        expect((yield* Effect.flip(tmux.list)).reason).toBe("Unreachable")
        expect((yield* Effect.flip(tmux.paste(pane, "x"))).reason).toBe("Unreachable")
        expect((yield* Effect.flip(tmux.spawn(world.request()))).reason).toBe("Unreachable")
        expect(yield* tmux.inspect(pane)).toMatchObject({ state: "unknown" })
      }).pipe(Effect.ensuring(Effect.sync(() => process.kill(pid, "SIGCONT"))))
      yield* eventually("recovery", Effect.map(tmux.inspect(pane), (found) => found.state === "alive"))
    }))

  it.scopedLive("a socket file that was cleaned away is not a dead server", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const first = yield* world.transport()
      const pane = yield* first.spawn(world.request())
      rmSync(world.socket)
      const second = yield* world.transport()
      expect((yield* second.list).panes.map((each) => each.identity)).toEqual([pane])
    }))

  it.scopedLive("two transports share one server, even when both start it", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const [first, second] = yield* Effect.all([world.transport(), world.transport()])
      const { next } = yield* follow(second, world.request)
      const [one, two] = yield* Effect.all([first.spawn(world.request()), second.spawn(world.request())], {
        concurrency: "unbounded"
      })
      expect(new Set((yield* first.list).panes.map((each) => each.identity.spawn))).toEqual(new Set([one.spawn, two.spawn]))
      expect(yield* second.inspect(one)).toMatchObject({ state: "alive" })
      yield* eventually("the news reached the other", Effect.map(second.list, (listing) => listing.panes.length === 2))
      yield* first.stop(one, { graceMs: 1000 })
      expect(yield* next("the death of the other's agent", died(one))).toMatchObject({ pane: one })
    }))

  it.scopedLive("stops a whole tree, and what was put in another session of processes", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const marks = world.at("marks")
      const script = `setsid sh -c 'trap "" TERM HUP; echo $$ >>${marks}; sleep 600' & ` +
        `(sh -c 'echo $$ >>${marks}; exec sleep 601' &) ; trap '' TERM; echo $$ >>${marks}; while :; do sleep 1; done`
      const pane = yield* tmux.spawn(world.request({ argv: ["sh", "-c", script] }))
      const pids = yield* eventually("three processes", Effect.map(world.readText(marks), (text) => {
        const found = (text ?? "").split("\n").filter((line) => line !== "").map(Number)
        return found.length === 3 ? found : null
      }))
      expect(yield* tmux.stop(pane, { graceMs: 100 })).toMatchObject({ gone: true, survivors: [] })
      for (const pid of pids) {
        const alive = yield* Effect.sync(() => {
          try {
            return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
          } catch {
            return false
          }
        })
        expect(alive).toBe(false)
      }
      expect(yield* tmux.list).toMatchObject({ home: "up", panes: [] })
    }))

  it.scopedLive("refuses before anything is started", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const requests = [
        world.request({ argv: [] }),
        world.request({ argv: ["no-such-program-anywhere"] }),
        world.request({ argv: [world.at("reporter.cjs")] }),
        world.request({ cwd: world.at("nowhere") }),
        world.request({ cwd: "relative" }),
        world.request({ argv: ["sleep", "a\0b"] }),
        world.request({ spawn: SpawnToken.make("../out") })
      ]
      for (const request of requests) expect((yield* Effect.flip(tmux.spawn(request))).reason).toBe("Refused")
      expect(yield* world.serverPid).toBeNull()
      const twice = world.request()
      yield* tmux.spawn(twice)
      expect((yield* Effect.flip(tmux.spawn(twice))).reason).toBe("Refused")
      expect((yield* tmux.list).panes).toHaveLength(1)
    }))

  it.scopedLive("sixteen at once, and no environment is left on the disk", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const requests = Array.from({ length: 16 }, () => world.request())
      const panes = yield* Effect.forEach(requests, tmux.spawn, { concurrency: "unbounded" })
      expect(new Set(panes.map((pane) => pane.pid)).size).toBe(16)
      const listing = yield* tmux.list
      expect(Chunk.size(Chunk.fromIterable(listing.panes))).toBe(16)
      for (const pane of panes) {
        expect(readdirSync(world.at("state", "spawns", pane.spawn))).toEqual(["owner", "pid"])
        const shown = readFileSync(`/proc/${pane.pid}/environ`, "utf8")
        expect(shown).not.toContain("TMUX")
        expect(shown).not.toContain(world.socket)
      }
    }))
})
