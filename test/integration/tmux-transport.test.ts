import { statSync } from "node:fs"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { processState } from "reprise/plugin"
import { eventually, hasTmux, makeWorld } from "./tmux-world.ts"

describe.skipIf(!hasTmux)("tmux transport", () => {
  it.scopedLive("looks without starting a server", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      expect(yield* tmux.list).toEqual({ home: "absent", panes: [], foreign: [] })
      expect(yield* world.serverPid).toBeNull()
    }))

  it.scopedLive("keeps what it records to its owner, and gives the agent the caller's umask", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      // The records are written under whatever umask the caller has.
      const before = process.umask(0o002)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.umask(before)))
      const pane = yield* tmux.spawn(world.request({ argv: ["sh", "-c", "umask >umask.part; mv umask.part umask; exec sleep 600"] }))
      expect(yield* eventually("the agent's umask", world.readText(world.at("work", "umask")))).toMatch(/^0*002\n$/)
      const modeOf = (...path: ReadonlyArray<string>) => statSync(world.at("state", "spawns", pane.spawn, ...path)).mode & 0o777
      expect(modeOf("pid")).toBe(0o600)
      yield* tmux.stop(pane, { graceMs: 2000 })
      expect([modeOf(), modeOf("owner"), modeOf("pid"), modeOf("exit")]).toEqual([0o700, 0o600, 0o600, 0o600])
    }))

  it.scopedLive("starts, lists, types into, looks at and stops an agent", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const { out, request } = world.reporting(["one", "two words"])
      const pane = yield* tmux.spawn(request)
      const report = yield* world.report(out)
      expect(report).toMatchObject({ argv: ["one", "two words"], cwd: request.cwd, pid: pane.pid })
      expect(report.env).toEqual({ ...request.env, TERM: "screen-256color" })
      expect(yield* tmux.list).toEqual({
        home: "up",
        panes: [{ identity: pane, team: "alpha", agent: request.agent, generation: 1 }],
        foreign: []
      })
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "alive", exit: null })
      const screen = yield* eventually("the screen", Effect.map(tmux.capture(pane), (each) =>
        each.lines.length > 0 && each.title === "reporting" ? each : null))
      expect(screen).toEqual({ lines: ["ready"], title: "reporting", cursor: { row: 1, column: 0 }, size: { columns: 200, rows: 50 } })
      yield* tmux.leaveModes(pane)
      yield* tmux.paste(pane, "first\nsecond; $HOME #(touch pwned)")
      yield* tmux.press(pane, ["Enter", "x", ";", "Up"])
      yield* tmux.interrupt(pane)
      const typed = "\u001b[200~first\rsecond; $HOME #(touch pwned)\u001b[201~\rx;\u001b[A\u0003"
      yield* eventually("the typed text", Effect.map(world.readText(`${out}.in`), (text) => text === typed))
      const stopped = yield* tmux.stop(pane, { graceMs: 2000 })
      expect(stopped).toMatchObject({ gone: true, survivors: [] })
      expect(yield* processState(pane)).toBe("dead")
      expect(yield* tmux.list).toEqual({ home: "up", panes: [], foreign: [] })
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "dead", exit: { code: 143, signal: 15 } })
    }))
})
