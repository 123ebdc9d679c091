import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { mkdtempSync, mkdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TeamKey } from "../../sdk/domain/ids.ts"
import { ensureRuntime, findWorkspace, resolveTeam, workspacePaths } from "../../sdk/spec/workspace.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "reprise-workspace-")))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("the workspace", () => {
  it.scoped("is the one asked for, else the nearest with a runtime, else the current directory", () =>
    Effect.gen(function*() {
      const home = yield* directory
      mkdirSync(join(home, "a/b/c"), { recursive: true })
      const from = join(home, "a/b/c")
      const rootFrom = (asked?: string) => Effect.map(findWorkspace({ asked, from }), (paths) => paths.root)
      assert.strictEqual(yield* rootFrom(), from)
      mkdirSync(join(home, "a/.reprise"))
      assert.strictEqual(yield* rootFrom(), join(home, "a"))
      assert.strictEqual(yield* rootFrom(".."), join(home, "a/b"))
      // A file of that name is no runtime.
      writeFileSync(join(home, "a/b/.reprise"), "")
      assert.strictEqual(yield* rootFrom(), join(home, "a"))
      symlinkSync(join(home, "a/b"), join(home, "link"))
      assert.strictEqual(yield* rootFrom(join(home, "link")), join(home, "a/b"))
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scoped("that can't be used is refused with a sentence", () =>
    Effect.gen(function*() {
      const home = yield* directory
      const missing = yield* Effect.flip(findWorkspace({ asked: "nope", from: home }))
      assert.match(missing.message, /There is no directory .*nope\. Nothing was done\./)
      writeFileSync(join(home, "file"), "")
      const file = yield* Effect.flip(findWorkspace({ asked: "file", from: home }))
      assert.match(file.message, /file is not a directory\. Nothing was done\./)
      writeFileSync(join(home, ".reprise"), "")
      const runtime = yield* Effect.flip(ensureRuntime(workspacePaths(home)))
      assert.strictEqual(runtime.reason, "NotADirectory")
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scoped("keeps its runtime for its owner, also one that was open before", () =>
    Effect.gen(function*() {
      const home = yield* directory
      const paths = workspacePaths(home)
      yield* ensureRuntime(paths)
      assert.strictEqual(statSync(paths.runtime).mode & 0o777, 0o700)
      const other = workspacePaths(join(home, "other"))
      mkdirSync(other.runtime, { recursive: true, mode: 0o755 })
      yield* ensureRuntime(other)
      assert.strictEqual(statSync(other.runtime).mode & 0o777, 0o700)
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("the team that is meant", () => {
  const keys = ["beta", "alpha"].map((key) => TeamKey.make(key))
  it("is the one named exactly, or the only one", () => {
    assert.deepStrictEqual(resolveTeam(keys, "alpha"), Either.right(TeamKey.make("alpha")))
    assert.deepStrictEqual(resolveTeam(keys.slice(0, 1), undefined), Either.right(TeamKey.make("beta")))
  })
  it("is ambiguous when several are there and none is named", () => {
    const outcome = resolveTeam(keys, undefined)
    assert.isTrue(Either.isLeft(outcome))
    if (Either.isLeft(outcome)) {
      assert.strictEqual(outcome.left.outcome, "team_target_ambiguous")
      assert.deepStrictEqual(outcome.left.candidates, ["alpha", "beta"])
      assert.deepStrictEqual(outcome.left.next, ["--team alpha", "--team beta"])
    }
  })
  it("is unresolved when nobody has that name, never the nearest one", () => {
    const message = (given: ReadonlyArray<TeamKey>, selector: string | undefined) =>
      Either.match(resolveTeam(given, selector), {
        onLeft: (error) => `${error.outcome}: ${error.message}`,
        onRight: String
      })
    assert.strictEqual(
      message(keys, "alhpa"),
      "team_target_unresolved: There is no team \"alhpa\" in this workspace. Nothing was done. " +
        "Did you mean \"alpha\"? Known: alpha, beta."
    )
    assert.match(message([], undefined), /No team was ever started in this workspace. Nothing was done. Start one/)
    assert.match(message(keys, ""), /There is no team ""/)
    assert.match(message(keys, "ALPHA"), /team_target_unresolved/)
  })
})
