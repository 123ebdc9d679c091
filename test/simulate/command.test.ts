// The verb: its table, its document, its page, and what it says of what it can't play.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

describe("reprise simulate", () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "rsim-")))
  const file = (name: string): string => join(home, name)
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, XDG_RUNTIME_DIR: home, TMPDIR: home, LANG: "C.UTF-8" }

  const simulate = (...args: ReadonlyArray<string>) =>
    new Promise<{ readonly code: number; readonly out: string; readonly err: string }>((done) => {
      execFile(
        process.execPath,
        ["--conditions=source", "--import", "tsx", "scripts/simulate.ts", ...args, "--workspace", join(home, "work")],
        { cwd: root, env, timeout: 120_000 },
        (error, out, err) => done({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err })
      )
    })

  beforeAll(() => {
    mkdirSync(join(home, "work"))
    writeFileSync(file("keep.ts"), "import { Policy } from \"reprise\"\nexport default Policy.resume\n")
    writeFileSync(file("drop.ts"), "import { Policy } from \"reprise\"\nexport default Policy.fresh\n")
    writeFileSync(file("night.yaml"), [
      "name: <a night> & more",
      "horizon: 8 hours",
      "agents: { planner: {}, coder-1: {} }",
      "deaths: [{ distribution: at, times: [1 hour, 3 hours] }]"
    ].join("\n"))
    writeFileSync(file("wrong.yaml"), "horizon: 8 hours\nagents: { planner: {} }\ndeath: []\n")
  })
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  it("puts policies side by side", async () => {
    const { code, err, out } = await simulate(file("keep.ts"), file("drop.ts"), "--scenario", file("night.yaml"), "--seeds", "3", "--html", file("page.html"))
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" })
    expect(out).toContain("6 runs of <a night> & more; the page is")
    expect(out).toMatch(/keep\.ts +drop\.ts/)
    expect(out).toMatch(/ kept +4 +4 +0 +0/)
    expect(out).toMatch(/ dropped +0 +0 +4 +4/)
    const page = readFileSync(file("page.html"), "utf8")
    expect(page).toContain("<h1>&lt;a night&gt; &amp; more</h1>")
    // It needs nothing but itself.
    expect(page).not.toMatch(/<script|<link|https?:|url\(|@import/)
    expect(page).toContain("prefers-color-scheme: dark")
    expect(existsSync(join(home, "work", ".reprise"))).toBe(false)
  }, 150_000)

  it("answers with one document", async () => {
    const { code, out } = await simulate(file("keep.ts"), "--scenario", file("night.yaml"), "--seeds", "2", "--json")
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      schema: "reprise.simulate/1",
      ok: true,
      outcome: "simulated",
      scenario: "<a night> & more",
      seeds: 2,
      horizonMs: 8 * 3_600_000,
      // Four starts of two seconds, and twice a second between two that share a login.
      policies: [{
        name: "keep.ts",
        policy: "resume",
        summary: { kept: { p50: 4 }, dropped: { max: 0 }, downtimeMs: { mean: 10_000 }, neverStable: 0 },
        runs: [{ seed: 1, restarts: 4 }, { seed: 2, restarts: 4 }]
      }]
    })
  }, 150_000)

  it("says what it can't play, and where", async () => {
    const wrong = await simulate("--scenario", file("wrong.yaml"))
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain("wrong.yaml:3:1 death: unknown key, did you mean \"deaths\"?")
    const missing = await simulate("--scenario", file("none.yaml"), "--json")
    expect(JSON.parse(missing.out)).toMatchObject({ ok: false, outcome: "scenario_invalid" })
    const none = await simulate("--scenario", file("night.yaml"), "--seeds", "0")
    expect(none.code).toBe(2)
    for (const [page, said] of [
      [file("nowhere/page.html"), `there is no directory ${file("nowhere")}`],
      [home, "it is a directory"],
      [`${file("night.yaml")}/page.html`, `there is no directory ${file("night.yaml")}`]
    ] as const) {
      const began = performance.now()
      const homeless = await simulate("--scenario", file("night.yaml"), "--seeds", "1000000", "--html", page)
      expect(homeless.code).toBe(1)
      expect(homeless.err).toContain(`The page ${page} can't be written: ${said}`)
      expect(homeless.err).toContain("Nothing was played.")
      expect(performance.now() - began).toBeLessThan(20_000)
    }
    const nothing = await simulate()
    expect(nothing.code).toBe(1)
    expect(nothing.err).toContain("team")
  }, 150_000)
})
