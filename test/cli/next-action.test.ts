import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as FiberId from "effect/FiberId"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { failureDocument } from "../../scripts/command/document.ts"
import { root } from "../house/sources.ts"

const source = readFileSync(join(root, "scripts/command/document.ts"), "utf8")
const tags = [...source.matchAll(/case "([A-Z]\w+)":/g)].map(([, tag]) => tag)

describe("a failure of a command", () => {
  it("names a next action, whatever it is", () => {
    assert.isAbove(tags.length, 20)
    for (const tag of [...tags, "OfNoKnownKind"]) {
      const { document } = failureDocument(Cause.fail({ _tag: tag, message: "It was refused." }), "restart")
      assert.isFalse(document.ok)
      assert.isNotEmpty(document.next, tag)
    }
    for (const cause of [Cause.die(new Error("broken")), Cause.interrupt(FiberId.none)]) {
      assert.isNotEmpty(failureDocument(cause, "restart").document.next)
    }
  })

  it("names what its caller knows in place of a general one", () => {
    const { document } = failureDocument(Cause.fail({ _tag: "PluginRejected", stage: "consent" }), "up", ["reprise up --trust DIGEST"])
    assert.deepStrictEqual(document.next, ["reprise up --trust DIGEST"])
  })
})
