import { expect, it } from "@effect/vitest"
import { importsOf, sources, target } from "./sources.ts"

// The arrows of the house: each folder of sdk/ may import itself and the folders named here, and nothing else of sdk/.
const below: Readonly<Record<string, ReadonlyArray<string>>> = {
  "domain": [],
  "event-log": ["domain"],
  "consent": ["domain"],
  "plugin": ["consent", "domain"],
  "session": ["event-log", "plugin", "domain", "spec"],
  "spec": ["event-log", "plugin", "domain"],
  "messaging": ["session", "spec", "event-log", "plugin", "domain"],
  "policy": ["session", "spec", "event-log", "plugin", "domain"],
  "lifecycle": ["policy", "messaging", "session", "spec", "event-log", "plugin", "domain"],
  "coordinator": ["lifecycle", "policy", "messaging", "session", "spec", "event-log", "plugin", "domain"],
  "mcp": ["lifecycle", "policy", "messaging", "session", "spec", "event-log", "plugin", "domain"],
  "diagnose": ["lifecycle", "policy", "messaging", "session", "spec", "event-log", "plugin", "domain"],
  "testing": ["coordinator", "lifecycle", "policy", "messaging", "session", "spec", "event-log", "plugin", "domain"]
}

// Where our world meets another, and nowhere else, an effect is run.
const runners = new Set([
  "sdk/run.ts", // a script's entry
  "sdk/plugin/fromPromises.ts", // authors who know no Effect
  "sdk/testing/simulation/VirtualTime.ts", // a simulated process
  "scripts/command/verb.ts", // a verb's entry
  "scripts/command/until-ended.ts", // and its end
  "scripts/reprise.ts" // the command's entry
])

const barrels = /^(effect|@effect\/[a-z-]+)$/
const sdk = sources("sdk")
const plugins = sources("plugins")
const scripts = sources("scripts")
const house = scripts.filter(({ path }) => path.startsWith("scripts/build/"))
const product = [...sdk, ...plugins, ...scripts.filter((source) => !house.includes(source))]

it("reads imports in each of their forms and none in a comment", () => {
  expect(importsOf(`
    import "./a.ts"
    import type { B } from "./b.ts"
    export * as C from "./c.ts"
    const d = await import("./d.ts")
    import {
      E
    } from "./e.ts"
    const f = require("./f.cjs")
    // import "./not.ts"
    /** import { x } from "./neither.ts" */
  `)).toEqual(["./b.ts", "./c.ts", "./e.ts", "./a.ts", "./d.ts", "./f.cjs"])
})

it("keeps the arrows of the SDK pointing one way", () => {
  const wrong = sdk.flatMap((source) => {
    const folder = /^sdk\/([^/]+)\//.exec(source.path)?.[1]
    // The files beside the folders are the face: they may import all.
    if (folder === undefined) return []
    const allowed = below[folder]
    if (allowed === undefined) return [`${source.path}: sdk/${folder} has no place in the list of arrows`]
    return source.imports.filter((specifier) => specifier.startsWith(".")).flatMap((specifier) => {
      const to = target(source, specifier)
      const toFolder = /^sdk\/([^/]+)\//.exec(to)?.[1]
      return toFolder === folder || (toFolder !== undefined && allowed.includes(toFolder)) ? [] : [`${source.path} -> ${to}`]
    })
  })
  expect(wrong).toEqual([])
})

it("keeps plugins out of the SDK", () => {
  const wrong = sdk.flatMap((source) =>
    source.imports
      .filter((specifier) => /(^|\/)plugins\//.test(specifier) || /^reprise(\/|$)/.test(specifier))
      .map((specifier) => `${source.path} -> ${specifier}`))
  expect(wrong).toEqual([])
})

it("lets a plugin import its own files, packages and reprise by name", () => {
  const wrong = plugins.flatMap((source) => {
    const own = source.path.split("/").slice(0, 3).join("/")
    return source.imports
      .filter((specifier) =>
        specifier.startsWith(".")
          ? !target(source, specifier).startsWith(`${own}/`)
          : /^reprise(\/|$)/.test(specifier) && !/^reprise(\/(plugin|testing))?$/.test(specifier))
      .map((specifier) => `${source.path} -> ${specifier}`)
  })
  expect(wrong).toEqual([])
})

// The entry of all verbs, which must not load the whole SDK to answer `--help`.
const lightOnes = new Set(["sdk/spec/suggestion.ts"])

it("lets a script import the SDK's face and other scripts only", () => {
  const wrong = product.filter(({ path }) => path.startsWith("scripts/")).flatMap((source) =>
    source.imports.filter((specifier) => specifier.startsWith(".")).flatMap((specifier) => {
      const to = target(source, specifier)
      return to.startsWith("scripts/") || /^sdk\/(\w+\.ts|plugin\/index\.ts|testing\/index\.ts)$/.test(to) || lightOnes.has(to)
        ? []
        : [`${source.path} -> ${to}`]
    }))
  expect(wrong).toEqual([])
})

it("imports no barrel", () => {
  const wrong = product.flatMap((source) =>
    source.imports.filter((specifier) => barrels.test(specifier) && specifier !== "@effect/vitest")
      .map((specifier) => `${source.path} -> ${specifier}`))
  expect(wrong).toEqual([])
})

it("runs effects only where our world meets another", () => {
  const wrong = product.filter(({ path, text }) =>
    !runners.has(path) && /\b(Effect|Runtime|ManagedRuntime)\.run[A-Z]\w*|\brunMain\b/.test(text.replaceAll(/^\s*(\*|\/\/).*$/gm, "")))
  expect(wrong.map(({ path }) => path)).toEqual([])
})

it("keeps files small enough to hold in the head", () => {
  const long = product.filter(({ path }) => path.endsWith(".ts")).map(({ path, text }) => ({ path, lines: text.split("\n").length }))
  expect(long.filter(({ lines }) => lines > 350)).toEqual([])
})
