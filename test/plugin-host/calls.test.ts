import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { PaneIdentity } from "../../sdk/domain/pane.ts"
import { bounded } from "../../sdk/plugin/host/bounded-call.ts"
import { PluginHost } from "../../sdk/plugin/PluginHost.ts"
import type { ProviderAgent } from "../../sdk/plugin/provider-driver.ts"
import { heard } from "./fixtures/wall.ts"
import { screen } from "./fixtures/drivers.ts"
import { eventually, fixture, hostFor, temporaryDirectory } from "./world.ts"

const pane = Schema.decodeUnknownSync(PaneIdentity)({
  transport: "rude",
  endpoint: "here",
  session: "s",
  window: "w",
  pane: "%1",
  pid: 1,
  startTime: "1@00000000",
  spawn: "spawn-1"
})
const request = { team: "t", agent: "a", generation: 1, spawn: pane.spawn, argv: ["true"], cwd: "/", env: {} }
const agent: ProviderAgent = {
  team: "t",
  id: "a",
  role: null,
  prompt: null,
  workspace: "/",
  cwd: "/",
  model: null,
  effort: null,
  permissions: null,
  tools: [],
  options: {},
  env: {},
  configHome: null,
  mcp: {},
  startedAt: null
}

const host = (name: string) =>
  Effect.map(temporaryDirectory, (workspace) => hostFor(workspace, { specs: [fixture(name)] }))

describe("a plugin that breaks in a later call", () => {
  it.scopedLive("gives failures of the transport, which are evidence of nothing", () =>
    Effect.gen(function*() {
      const layer = yield* host("rude")
      yield* Effect.gen(function*() {
        const transport = yield* (yield* PluginHost).transport("rude")
        const unreachable = { _tag: "TransportFailure", transport: "rude", reason: "Unreachable" }
        const spawned = yield* Effect.flip(transport.spawn(request))
        expect(spawned).toMatchObject({ ...unreachable, operation: "spawn" })
        expect(spawned.detail).toMatch(/rude.*plugin rude, transport rude, spawn/)
        expect(yield* Effect.flip(transport.list)).toMatchObject({ ...unreachable, operation: "list" })
        expect(yield* transport.inspect(pane)).toMatchObject({ state: "unknown", exit: null })
        const stopped = yield* Effect.flip(transport.stop(pane, { graceMs: 1 }))
        expect(stopped).toMatchObject({ ...unreachable, operation: "stop" })
        expect(stopped.detail).toMatch(/wrong shape/)
      }).pipe(Effect.provide(layer))
    }))

  it.scopedLive("keeps a reason that it gives as plain data, and only one that is known", () =>
    Effect.gen(function*() {
      const layer = yield* host("rude")
      yield* Effect.gen(function*() {
        const transport = yield* (yield* PluginHost).transport("rude")
        expect(yield* Effect.flip(transport.paste(pane, "x"))).toMatchObject({
          transport: "rude",
          operation: "paste",
          reason: "Gone",
          detail: "That pane is gone."
        })
        expect(yield* Effect.flip(transport.press(pane, ["Enter"]))).toMatchObject({ reason: "Unreachable" })
      }).pipe(Effect.provide(layer))
    }))

  it.scopedLive("skips an event that can't be read and fails with the stream", () =>
    Effect.gen(function*() {
      const layer = yield* host("rude")
      yield* Effect.gen(function*() {
        const transport = yield* (yield* PluginHost).transport("rude")
        const seen = yield* transport.events.pipe(Stream.either, Stream.runCollect)
        expect(Chunk.toReadonlyArray(seen).map(Either.match({
          onLeft: (failure) => failure.reason,
          onRight: (event) => event._tag
        }))).toEqual(["HomeGone", "Unreachable"])
      }).pipe(Effect.provide(layer))
    }))

  // As long as the limit of a capture.
  it.scopedLive("is left behind when it hangs, though it can't be interrupted", () =>
    Effect.gen(function*() {
      const layer = yield* host("rude")
      yield* Effect.gen(function*() {
        const transport = yield* (yield* PluginHost).transport("rude")
        const failure = yield* Effect.flip(transport.capture(pane))
        expect(failure).toMatchObject({ operation: "capture", reason: "Unreachable" })
      }).pipe(Effect.provide(layer))
    }))

  it.scopedLive("gives what stands for 'not known' where a provider's pure functions break", () =>
    Effect.gen(function*() {
      const layer = yield* host("rude")
      yield* Effect.gen(function*() {
        const provider = yield* (yield* PluginHost).provider("rude")
        expect(provider.classify(screen)).toBe("unknown")
        expect(provider.startupPrompt(screen)).toBeNull()
        expect(provider.approvalPrompt(screen)).toBeNull()
        expect(provider.draft(screen)).toBeNull()
        expect(provider.holdsUserMessage("", "x")).toBe(false)
        // Unreadable is not "never spoken to", nor one that can be resumed.
        expect(provider.readTranscript("", { path: "/t", truncated: false })).toEqual({
          sessionId: null,
          cwd: null,
          marker: null,
          spokenTo: true,
          whole: false
        })
        expect(provider.checkOptions({})).toHaveLength(1)
        expect(provider.explainExit({ exit: null, lines: [] })).toMatchObject({ kind: "unknown", retryable: false })
        expect(() => provider.sessionAddress(agent, null)).toThrow(/plugin rude/i)
        const asked = { mode: "fresh", agent, sessionId: null, sourceSessionId: null, stateDirectory: "/" } as const
        expect(yield* Effect.flip(provider.command(asked))).toMatchObject({ _tag: "ProviderFailure", provider: "rude" })
        expect(yield* Effect.flip(provider.reportedSession({ pid: 1, screen, agent }))).toMatchObject({
          operation: "reportedSession"
        })
      }).pipe(Effect.provide(layer))
    }))
})

describe("bounded", () => {
  it.live("holds where the caller can't be interrupted", () =>
    Effect.gen(function*() {
      const slow = bounded(Effect.never, 20, () => Effect.succeed("late"))
      expect(yield* Effect.uninterruptible(slow)).toBe("late")
    }))

  it.live("hands interruption on and waits for the tidying", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const work = Effect.never.pipe(Effect.onInterrupt(() =>
        Effect.sleep(20).pipe(Effect.zipRight(Effect.sync(() => seen.push("tidied"))))
      ))
      const fiber = yield* Effect.fork(bounded(work, 60_000, () => Effect.void))
      yield* Effect.sleep(20)
      yield* Fiber.interrupt(fiber)
      expect(seen).toEqual(["tidied"])
    }))
})

describe("fromPromises", () => {
  it.scopedLive("makes a transport of async functions", () =>
    Effect.gen(function*() {
      const layer = yield* host("wall")
      yield* Effect.gen(function*() {
        const transport = yield* (yield* PluginHost).transport("wall")
        expect(yield* transport.list).toEqual({ home: "up", panes: [], foreign: [] })
        expect(yield* Effect.flip(transport.spawn(request))).toMatchObject({
          reason: "Unreachable",
          detail: "A wall has no room."
        })
        expect(yield* Effect.flip(transport.capture(pane))).toMatchObject({
          reason: "Gone",
          detail: "Nobody lives here."
        })
        expect(yield* transport.inspect(pane)).toEqual({ state: "unknown", evidence: "Nobody lives here.", exit: null })
        expect(transport).toMatchObject({ attachCommand: null, residence: null })
        expect(yield* transport.closeHome ?? Effect.succeed("absent")).toBe(true)
      }).pipe(Effect.provide(layer))
    }))

  it.scopedLive("aborts what nobody waits for any more: a call, and a stream of events", () =>
    Effect.gen(function*() {
      const layer = yield* host("wall")
      yield* Effect.gen(function*() {
        const transport = yield* (yield* PluginHost).transport("wall")
        const pressing = yield* Effect.fork(transport.press(pane, ["Enter"]))
        yield* eventually(() => heard.includes("pressing"))
        yield* Fiber.interrupt(pressing)
        yield* eventually(() => heard.includes("press aborted"))
        const first = yield* transport.events.pipe(Stream.take(1), Stream.runCollect)
        expect(Chunk.toReadonlyArray(first)).toEqual([{ _tag: "HomeGone", endpoint: "wall" }])
        const watching = yield* Effect.fork(Stream.runDrain(transport.events))
        yield* eventually(() => heard.includes("listening"))
        yield* Fiber.interrupt(watching)
        yield* eventually(() => heard.includes("events aborted"))
      }).pipe(Effect.provide(layer))
    }))
})
