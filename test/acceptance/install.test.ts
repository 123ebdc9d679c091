// The installer, with an npm of our own in the place of the real one: nothing is downloaded.
import { expect, it } from "@effect/vitest"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { putScript } from "./home.ts"
import { cacheDirectory, install, installed } from "./install.ts"
import { pins } from "./pins.ts"

const pin = pins.codex

/** What npm would leave: the package with its version, and its program. Each call is logged. */
const npm = (version: string, log: string): string => `
echo "$@" >> '${log}'
prefix=$3
package="$prefix/node_modules/${pin.package}"
mkdir -p "$package" "$prefix/node_modules/.bin"
echo '{"version":"${version}"}' > "$package/package.json"
sleep 0.3
echo '#!/bin/sh' > "$prefix/node_modules/.bin/${pin.program}"`

const withNpm = async (version: string, run: (cache: string, calls: () => ReadonlyArray<string>) => Promise<void>) => {
  const box = mkdtempSync(join(tmpdir(), "ri-"))
  const bin = join(box, "bin")
  const log = join(box, "calls")
  mkdirSync(bin)
  putScript(bin, "npm", npm(version, log))
  const path = process.env["PATH"]
  process.env["PATH"] = `${bin}${delimiter}${path ?? ""}`
  try {
    await run(join(box, "cache"), () => existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [])
  } finally {
    process.env["PATH"] = path
    rmSync(box, { recursive: true, force: true })
  }
}

it("installs the exact version once, and finds it again", () =>
  withNpm(pin.version, async (cache, calls) => {
    expect(installed("codex", cache)).toBeNull()
    const first = await install("codex", cache)
    const again = await install("codex", cache)
    expect(again.executable).toBe(first.executable)
    expect(existsSync(first.executable)).toBe(true)
    expect(calls()).toHaveLength(1)
    expect(calls()[0]).toContain(`${pin.package}@${pin.version}`)
    expect(installed("codex", cache)?.executable).toBe(first.executable)
  }))

it("leaves one whole installation when two run at once", () =>
  withNpm(pin.version, async (cache) => {
    const found = await Promise.all([install("codex", cache), install("codex", cache), install("codex", cache)])
    expect(new Set(found.map(({ executable }) => executable)).size).toBe(1)
    expect(readdirSync(cache)).toEqual([`codex-${pin.version}`])
  }))

it("keeps nothing of an installation that came out another version", () =>
  withNpm("0.0.1", async (cache) => {
    await expect(install("codex", cache)).rejects.toThrow("0.0.1")
    expect(readdirSync(cache)).toEqual([])
    expect(installed("codex", cache)).toBeNull()
  }))

it("keeps the CLIs where it is told to", () => {
  expect(cacheDirectory({ REPRISE_TEST_CLI_CACHE: "/a", XDG_CACHE_HOME: "/b" })).toBe("/a")
  expect(cacheDirectory({ XDG_CACHE_HOME: "/b" })).toBe("/b/reprise-acceptance")
})
