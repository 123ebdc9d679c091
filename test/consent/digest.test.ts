import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, assert, beforeEach, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import { consentDigest, type ConsentSubject } from "../../sdk/consent/consent.ts"
import { ConsentStore } from "../../sdk/consent/ConsentStore.ts"
import { examinePlugin } from "../../sdk/plugin/host/examine-plugin.ts"

const files = FastCheck.uniqueArray(FastCheck.record({ name: FastCheck.string({ minLength: 1 }), sha256: FastCheck.string() }), {
  selector: ({ name }) => name,
  minLength: 1,
  maxLength: 6
})
const asks = FastCheck.option(FastCheck.array(FastCheck.array(FastCheck.string())))
const kind = "plugin" as const

describe("the digest of a consent", () => {
  it("is the same in any order, and another where a name, a content or what is asked differs", () => {
    FastCheck.assert(FastCheck.property(files, asks, FastCheck.nat(), FastCheck.string(), (some, needs, at, other) => {
      const digest = consentDigest({ kind, asks: needs, files: some })
      assert.match(digest, /^[0-9a-f]{64}$/)
      assert.strictEqual(consentDigest({ kind, asks: needs, files: some.toReversed() }), digest)
      const changed = (change: (file: (typeof some)[number]) => (typeof some)[number]) =>
        consentDigest({ kind, asks: needs, files: some.map((file, index) => index === at % some.length ? change(file) : file) })
      assert.notStrictEqual(changed((file) => ({ ...file, sha256: `${file.sha256}${other}.` })), digest)
      assert.notStrictEqual(changed((file) => ({ ...file, name: `${file.name}\0` })), digest)
      assert.notStrictEqual(consentDigest({ kind, asks: needs, files: some.slice(1) }), digest)
      assert.notStrictEqual(consentDigest({ kind, asks: [needs, other], files: some }), digest)
    }))
  })

  it("is another for other files, however names and contents are cut", () => {
    FastCheck.assert(FastCheck.property(files, files, asks, asks, (some, others, needs, otherNeeds) => {
      const sorted = (list: typeof some) => JSON.stringify(list.map(({ name, sha256 }) => [name, sha256]).toSorted(([left = ""], [right = ""]) => left < right ? -1 : 1))
      const same = sorted(some) === sorted(others) && JSON.stringify(needs) === JSON.stringify(otherNeeds)
      assert.strictEqual(consentDigest({ kind, asks: needs, files: some }) === consentDigest({ kind, asks: otherNeeds, files: others }), same)
    }))
  })
})

let box = ""
beforeEach(() => {
  box = Fs.realpathSync(Fs.mkdtempSync(Path.join(process.env["TMPDIR"] ?? "/tmp", "rx-")))
})
afterEach(() => Fs.rmSync(box, { recursive: true, force: true }))

const write = (name: string, text: string): string => {
  const path = Path.join(box, name)
  Fs.mkdirSync(Path.dirname(path), { recursive: true })
  Fs.writeFileSync(path, text)
  return path
}
const examine = (name: string, directory: string | null = null) =>
  Effect.runPromise(examinePlugin(name, pathToFileURL(Path.join(box, name)).href, directory === null ? null : Path.join(box, directory)))

describe("a consent covers", () => {
  it("a file and what it names: imports of each form, and what those import", async () => {
    write("plugin.ts", `
import a from "./a.ts"
export * from "./b.js"
const c = await import('./c')
const d = new URL("./d.mjs", import.meta.url)
import e from "./e.json" with { type: "json" }
const notImported = "./data.json"
`)
    for (const name of ["a.ts", "c/index.ts", "d.mjs", "far/f.ts", "e.json", "data.json", "stranger.ts"]) write(name, "export default 1")
    write("b.ts", `import "./far/f.ts"; import "./plugin.ts"`)
    const { subject } = await examine("plugin.ts")
    expect(subject.covers).toEqual(["a.ts", "b.ts", "c/index.ts", "d.mjs", "e.json", "far/f.ts", "plugin.ts"])
    expect(subject.grants.join()).toMatch(/no manifest/)
    for (const name of ["far/f.ts", "e.json", "a.ts"]) {
      const before = (await examine("plugin.ts")).subject.digest
      write(name, `export default ${JSON.stringify(name)}`)
      expect((await examine("plugin.ts")).subject.digest).not.toBe(before)
    }
    const before = (await examine("plugin.ts")).subject.digest
    write("stranger.ts", "export default 2")
    write("data.json", "2")
    expect((await examine("plugin.ts")).subject.digest).toBe(before)
  })

  it("a package: its code, with the needs of its package.json, without its dependencies", async () => {
    write("package/package.json", `{"main": "main.mjs", "reprise": {"needs": {"env": ["B", "A", "A"]}}}`)
    write("package/main.mjs", "export default 1")
    write("package/lib/other.mjs", "export default 1")
    write("package/notes.txt", "notes")
    write("package/node_modules/x/index.js", "1")
    const { manifest, subject } = await examine("package/main.mjs", "package")
    expect(subject).toMatchObject({ path: Path.join(box, "package"), covers: ["lib/other.mjs", "main.mjs", "package.json"] })
    expect(manifest?.needs).toEqual({ executables: [], directories: [], env: ["A", "B"] })
    const before = subject.digest
    write("package/lib/other.mjs", "export default 2")
    expect((await examine("package/main.mjs", "package")).subject.digest).not.toBe(before)
  })

  it("nothing where the manifest can't be read: that is no consent to the code as a whole", async () => {
    write("plugin.ts", "export default 1")
    for (const text of ["{", `{"need": {}}`, `{"needs": {"executables": "git"}}`, `{"needs": {"rights": []}}`]) {
      write("plugin.reprise.json", text)
      await expect(examine("plugin.ts")).rejects.toThrow(/rejected at needs: its manifest .*plugin\.reprise\.json is (not JSON|wrong)/)
    }
  })
})

describe("the store", () => {
  const subject = (path: string): ConsentSubject => ({ kind, path, digest: "a".repeat(64), grants: ["run its code"], covers: ["x.ts"] })
  const inStore = <A, E>(effect: Effect.Effect<A, E, ConsentStore>) =>
    Effect.runPromise(Effect.provide(effect, Layer.fresh(ConsentStore.layer({ HOME: box }))))

  it("loses nothing of what is given and revoked at one time", async () => {
    const paths = Array.from({ length: 24 }, (_, index) => `/plugins/${index}`)
    await Promise.all(paths.map((path) => inStore(Effect.flatMap(ConsentStore, (store) => store.give(subject(path))))))
    const { consents, unreadable } = await inStore(Effect.flatMap(ConsentStore, (store) => store.list))
    expect(consents.map(({ path }) => path).toSorted()).toEqual(paths.toSorted())
    expect(unreadable).toEqual([])
    const [first, ...others] = consents
    await Promise.all([
      ...others.map((consent) => inStore(Effect.flatMap(ConsentStore, (store) => store.revoke([consent])))),
      inStore(Effect.flatMap(ConsentStore, (store) => store.give(subject("/plugins/new"))))
    ])
    const left = await inStore(Effect.flatMap(ConsentStore, (store) => store.list))
    expect(new Set(left.consents.map(({ path }) => path))).toEqual(new Set([first?.path, "/plugins/new"]))
  })

  it("believes no link, no file that others could write, and no record under another name", async () => {
    await inStore(Effect.flatMap(ConsentStore, (store) => store.give(subject("/plugins/a"))))
    const directory = Path.join(box, ".config/reprise/consents")
    const [name = ""] = Fs.readdirSync(directory)
    const has = (path: string) => inStore(Effect.flatMap(ConsentStore, (store) => Effect.either(store.has(subject(path)))))
    expect(await has("/plugins/a")).toMatchObject({ _tag: "Right", right: true })
    Fs.chmodSync(Path.join(directory, name), 0o666)
    expect(await has("/plugins/a")).toMatchObject({ _tag: "Left", left: { detail: expect.stringMatching(/can be written by others/) } })
    Fs.chmodSync(Path.join(directory, name), 0o600)
    Fs.copyFileSync(Path.join(directory, name), Path.join(directory, `${"0".repeat(40)}.json`))
    expect((await inStore(Effect.flatMap(ConsentStore, (store) => store.list))).unreadable).toHaveLength(1)
    Fs.renameSync(Path.join(directory, name), Path.join(box, "record"))
    Fs.symlinkSync(Path.join(box, "record"), Path.join(directory, name))
    expect(await has("/plugins/a")).toMatchObject({ _tag: "Left", left: { detail: expect.stringMatching(/is a symbolic link/) } })
  })
})
