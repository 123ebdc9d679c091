import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { ProviderAgent } from "reprise/plugin"
import { addressIn, isSessionId, madeAt } from "../../plugins/providers/codex/address.ts"
import { checkStart, provedVersion } from "../../plugins/providers/codex/check.ts"

const id = "01a205c5-0bb3-7631-8c50-c98ed016aa0e"
const now = Date.UTC(2026, 11, 24, 12)

describe("codex address", () => {
  it("knows from an id when its conversation was made", () => {
    expect(new Date(madeAt(id) ?? 0).toISOString()).toBe("2026-11-23T00:18:49.395Z")
    expect(madeAt("6f1c1d52-0e8b-4a6e-9a52-0d6a54b0c001")).toBeNull()
    expect(isSessionId("01a205c5-0bb3-7631-8c50-c98ed016aa0e/..")).toBe(false)
  })

  it("looks for a conversation on the day that its id tells, and on those beside it, for the zone may be another", () => {
    const { search, transcript } = addressIn("/h", "2026-12-20T10:00:00.000Z", id.toUpperCase(), now)
    expect(transcript).toBeNull()
    expect(search?.ending).toBe(`-${id}.jsonl`)
    // As Codex names it, in each zone that there is.
    for (const zone of ["Pacific/Kiritimati", "Etc/UTC", "Pacific/Niue"]) {
      const day = new Date(madeAt(id) ?? 0).toLocaleDateString("en-CA", { timeZone: zone }).replaceAll("-", "/")
      expect(search?.directories).toContain(`/h/sessions/${day}`)
    }
    expect(search?.directories.length).toBe(3)
  })

  it("looks for a new conversation on all days since the start, a quarter of a year at most", () => {
    const days = (startedAt: string | null) => {
      const { alsoIn = [], directory } = addressIn("/h", startedAt, null, now)
      return [directory, ...alsoIn]
    }
    for (const day of ["19", "20", "21", "22", "23", "24", "25"]) {
      expect(days("2026-12-20T12:00:00.000Z")).toContain(`/h/sessions/2026/12/${day}`)
    }
    expect(days(null).length).toBe(3)
    expect(days("2027-12-20T12:00:00.000Z").length).toBe(3)
    const old = days("2020-01-01T12:00:00.000Z")
    expect(old.length).toBeLessThan(100)
    expect(old).toContain("/h/sessions/2020/01/01")
    expect(new Set(old).size).toBe(old.length)
  })
})

describe("codex start", () => {
  let base = ""
  const around = { home: "/nowhere", codexHome: null }
  const codexHome = () => join(base, "home")
  const agentWith = (over: Partial<ProviderAgent> = {}): ProviderAgent => ({
    team: "alpha", id: "coder-1", role: null, prompt: null, workspace: base, cwd: base, model: null, effort: null,
    permissions: null, tools: [], options: {}, env: {}, configHome: codexHome(), mcp: {}, startedAt: null, ...over
  })
  const problems = (env: Readonly<Record<string, string>> = {}, over: Partial<ProviderAgent> = {}) =>
    Effect.map(checkStart(agentWith(over), { PATH: join(base, "bin"), ...env }, around), (found) =>
      found.map(({ kind, problem, severity }) => `${severity} ${kind}: ${problem}`))
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(base, path)), { recursive: true })
    writeFileSync(join(base, path), text)
    return join(base, path)
  }
  /** As npm installs it. */
  const installed = (version: string) => {
    write("lib/codex/package.json", JSON.stringify({ name: "@openai/codex", version }, null, 2))
    const script = write("lib/codex/bin/codex.js", "")
    chmodSync(script, 0o755)
    // Another installation is another file.
    utimesSync(script, 1, Number(version.split(".")[1]))
    rmSync(join(base, "bin/codex"), { force: true })
    mkdirSync(join(base, "bin"), { recursive: true })
    symlinkSync(script, join(base, "bin/codex"))
  }

  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), "reprise-codex-")))
    installed(provedVersion)
    write("home/auth.json", "{}")
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  it.live("has nothing against it with the proved version and a login", () =>
    Effect.gen(function*() {
      expect(yield* problems()).toEqual([])
      installed("0.169.7")
      expect(yield* problems()).toEqual([])
    }))

  it.live("is refused with a permission mode that there is not", () =>
    Effect.gen(function*() {
      expect(yield* problems({}, { permissions: "bypass" })).toEqual([])
      expect((yield* problems({}, { permissions: "acceptEdits" })).join()).toMatch(/^refusal bad_flags: Codex has no permission mode "acceptEdits"/)
    }))

  it.live("is warned of with another version, and with one that can't be told", () =>
    Effect.gen(function*() {
      installed("0.170.0")
      expect((yield* problems()).join()).toMatch(/^warning unknown: This is Codex 0\.170\.0, and the plugin was proved with 0\.169\.0/)
      rmSync(join(base, "bin/codex"))
      chmodSync(write("bin/codex", "#!/bin/sh\necho codex-cli 0.171.2\n"), 0o755)
      expect((yield* problems()).join()).toContain("Codex 0.171.2")
      chmodSync(write("bin/codex", "#!/bin/sh\nexit 3\n"), 0o755)
      utimesSync(join(base, "bin/codex"), 1, 1)
      expect((yield* problems()).join()).toContain("could not be told")
    }))

  it.live("is refused without a login only where there is surely none, and no credential is opened", () =>
    Effect.gen(function*() {
      // A file that can't be read is a login all the same: only that it is there is looked at.
      chmodSync(join(base, "home/auth.json"), 0)
      expect(yield* problems()).toEqual([])
      rmSync(join(base, "home/auth.json"), { force: true })
      expect((yield* problems()).join()).toMatch(/^refusal auth: Codex has neither a login nor a configuration in .*codex login/)
      expect(yield* problems({ OPENAI_API_KEY: "x" })).toEqual([])
      write("home/config.toml", "model = \"gpt\"\n")
      expect((yield* problems()).join()).toMatch(/^warning auth: There is no login/)
      write("home/config.toml", "model_provider = \"mine\"\n")
      expect(yield* problems()).toEqual([])
    }))

  it.live("says that a list of tools is not applied", () =>
    Effect.gen(function*() {
      expect((yield* problems({}, { tools: ["read"] })).join()).toMatch(/^warning unknown: Codex has no list of tools/)
    }))
})
