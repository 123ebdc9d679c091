import { mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { expect } from "vitest"
import { openConnection } from "../../plugins/transports/tmux/ControlConnection.ts"
import { commandLine } from "../../plugins/transports/tmux/control-words.ts"
import { eventually, hasTmux, makeWorld } from "./tmux-world.ts"

// Texts that would do something if anybody on the way read them as more than text.

const corpus = [
  "#(touch pwned)",
  "#{pane_id}",
  "##[fg=red]#[default]",
  "$HOME ${HOME} $(touch pwned)",
  "`touch pwned`",
  "a;b ; touch pwned ;",
  "; touch pwned",
  "'single' \"double\" \\back\\",
  "'; touch pwned; '",
  "\"; run-shell 'touch pwned'; \"",
  "line one\nline two\n\n",
  "\r\n\t\v\f\b\x7f",
  "\u001b[31mred\u001b[0m\u001b]2;title\u0007\u001b[200~",
  "~ ~root",
  "-n --",
  "%end 1 2 1\n%begin 1 3 1",
  "%if 1 { touch pwned }",
  "üñî ✳ 漢字 👩‍👩‍👧 \u00a0\u200b",
  "trailing blank ",
  ""
]

/** What UTF-8 can carry: no half of a character alone. */
const wellFormed = (each: string): string => Buffer.from(each, "utf8").toString("utf8")

const allFiles = (root: string): ReadonlyArray<string> =>
  readdirSync(root, { recursive: true }).map(String)

const text = FastCheck.oneof(
  FastCheck.constantFrom(...corpus),
  FastCheck.string({ unit: "binary" }).map((each) => wellFormed(each.replaceAll("\0", ""))),
  FastCheck.array(FastCheck.constantFrom("#", "{", "(", ")", "$", "\"", "'", "\\", ";", "\n", "~", "%", "`", "a"), { maxLength: 30 })
    .map((parts) => parts.join(""))
)

describe.skipIf(!hasTmux)("hostile texts", () => {
  it.scopedLive("a word comes back from tmux as it was", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      yield* tmux.spawn(world.request())
      const connection = yield* openConnection({
        tmux: "tmux",
        socket: world.socket,
        session: "=reprise",
        env: { PATH: process.env["PATH"] ?? "" },
        timeoutMs: 20_000
      })
      const words = [...corpus, ...FastCheck.sample(text, 400)].filter((word) => word !== "")
      for (const word of words) {
        const [, shown] = yield* connection.exchange([
          { line: commandLine(["set-option", "-s", "@word", word]), complete: () => true },
          { line: commandLine(["show-options", "-sv", "@word"]), complete: () => true }
        ])
        expect(shown?.[0]).toMatchObject({ ok: true, lines: word.split("\n") })
      }
      yield* connection.close("done")
      expect(allFiles(world.root).filter((name) => name.includes("pwned"))).toEqual([])
    }))

  it.scopedLive("names, directories, variables, arguments and messages arrive as they are", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const cases = [
        ...corpus.map((each) => ({ name: each, argv: [each], value: each })),
        ...FastCheck.sample(FastCheck.record({ name: text, argv: FastCheck.array(text), value: text }), 12)
      ]
      const all = yield* Effect.forEach(cases, (each, index) =>
        Effect.gen(function*() {
          const folder = wellFormed(`dir ${index} ${each.name.replaceAll("/", "").slice(0, 40)}`)
          const cwd = world.at("work", folder)
          mkdirSync(cwd, { recursive: true })
          const { out, request } = world.reporting(each.argv, {
            cwd,
            team: `t${each.name}`,
            agent: `a${each.name}`,
            env: { PATH: process.env["PATH"] ?? "", HOSTILE: each.value, [`NAME_${index}`]: "named", hostile: "lower" }
          })
          const pane = yield* tmux.spawn(request)
          const report = yield* world.report(out)
          expect(report).toMatchObject({ argv: each.argv, cwd, pid: pane.pid })
          expect(report.env).toEqual({ ...request.env, TERM: "screen-256color" })
          return { pane, request }
        }), { concurrency: 4 })
      const listing = yield* tmux.list
      for (const { pane, request } of all) {
        expect(listing.panes).toContainEqual({
          identity: pane,
          team: request.team,
          agent: request.agent,
          generation: request.generation
        })
      }
      expect(listing.foreign).toEqual([])
      yield* Effect.forEach(all, ({ pane }) => tmux.stop(pane, { graceMs: 2000 }), { concurrency: 4 })
      expect(allFiles(world.root).filter((name) => name.includes("pwned") && !name.includes("dir "))).toEqual([])
      expect(allFiles(world.root).filter((name) => /(^|\/)pwned$/.test(name))).toEqual([])
    }))

  it.scopedLive("messages of any size arrive whole, within one pair of brackets", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const tmux = yield* world.transport()
      const { out, request } = world.reporting()
      const pane = yield* tmux.spawn(request)
      yield* world.report(out)
      yield* eventually("its start", Effect.map(tmux.capture(pane), (screen) => screen.lines.includes("ready")))
      // Control characters are taken out before a message comes here.
      // oxlint-disable-next-line no-control-regex
      const messages = corpus.map((each) => each.replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, "")).filter((each) => each !== "")
      const large = Array.from({ length: 45_000 }, (_, index) => `line ${index} of a long text, ünd so weiter 👩 $x`).join("\n")
      expect(Buffer.byteLength(large)).toBeGreaterThan(2_000_000)
      let expected = ""
      for (const message of [...messages, large]) {
        yield* tmux.paste(pane, message)
        expected += `\u001b[200~${message.replaceAll("\n", "\r")}\u001b[201~`
        const length = expected.length
        yield* eventually("the whole message", Effect.map(world.readText(`${out}.in`), (got) => got?.length === length))
      }
      expect((yield* world.readText(`${out}.in`)) === expected).toBe(true)
      expect(allFiles(world.root).filter((name) => name.includes("pwned"))).toEqual([])
    }))

  it.scopedLive("a workspace whose own path is hostile", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const hostile = join("state", "#(touch pwned) '\"; $HOME\n#[x]#{pane_id}")
      mkdirSync(world.at(hostile), { recursive: true })
      const tmux = yield* world.transport({}, hostile)
      const { out, request } = world.reporting()
      const pane = yield* tmux.spawn(request)
      yield* world.report(out)
      expect((yield* tmux.list).panes.map((each) => each.identity)).toEqual([pane])
      yield* tmux.paste(pane, "hello")
      expect(yield* tmux.stop(pane, { graceMs: 2000 })).toMatchObject({ gone: true })
      expect(yield* tmux.inspect(pane)).toMatchObject({ state: "dead", exit: { code: 143 } })
      expect(allFiles(world.root).filter((name) => /(^|\/)pwned$/.test(name))).toEqual([])
    }))
})
