import * as Fs from "node:fs"
import * as Os from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Approvals from "../../sdk/policy/Approvals.ts"

const ask = (answers: Layer.Layer<Approvals.Approvals>) =>
  Effect.flatMap(Approvals.Approvals, (approvals) =>
    approvals.ask({ question: "restart?", team: "alpha", agents: ["one", "two"] })).pipe(Effect.provide(answers))

const refusal = (answers: Layer.Layer<Approvals.Approvals>) =>
  Effect.map(Effect.flip(ask(answers)), ({ message, reason }) => ({ message, reason }))

describe("a terminal", () => {
  const at = (typed: string, isTTY = true) => {
    const input = new PassThrough()
    const output = new PassThrough()
    input.end(typed)
    return { output, layer: Approvals.at({ input, output, isTTY: () => isTTY }) }
  }

  it.live("is asked with the team and its agents, and only a yes is one", () =>
    Effect.gen(function*() {
      for (const yes of ["y\n", "YES\n", " yes \n"]) assert.strictEqual(yield* ask(at(yes).layer), "approved at the terminal")
      for (const no of ["n\n", "\n", "", "yess\n", "maybe yes\n"]) {
        assert.strictEqual((yield* refusal(at(no).layer)).reason, "denied", JSON.stringify(no))
      }
      const { layer, output } = at("y\n")
      yield* ask(layer)
      assert.include(String(output.read()), "restart? (team alpha: one, two) [y/N]")
    }))

  it.live("where nobody sits refuses, and asks nothing", () =>
    Effect.gen(function*() {
      const { layer, output } = at("y\n", false)
      assert.deepStrictEqual(yield* refusal(layer), {
        reason: "unavailable",
        message: "\"restart?\" has to be asked, and there is nobody at a terminal. No process was touched."
      })
      assert.isNull(output.read())
    }))
})

describe("a file", () => {
  it.scopedLive("that says yes is a yes for once", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(join(Os.tmpdir(), "rp-approve-"))),
        (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
      )
      const path = join(directory, "approve")
      const byFile = Approvals.byFile(path)
      assert.strictEqual((yield* refusal(byFile)).reason, "unavailable")
      Fs.writeFileSync(path, "no\nyes\n")
      assert.strictEqual((yield* refusal(byFile)).reason, "denied")
      assert.isTrue(Fs.existsSync(path))
      Fs.writeFileSync(path, "yes\n")
      assert.strictEqual(yield* ask(byFile), `approved in ${path}`)
      assert.strictEqual((yield* refusal(byFile)).reason, "unavailable")
    }))
})

describe("always and never", () => {
  it.live("say what they are called", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* ask(Approvals.always), "approved without asking")
      assert.strictEqual((yield* refusal(Approvals.never)).reason, "denied")
    }))
})
