import * as Module from "node:module"
import { existsSync } from "node:fs"

// A plugin or policy file stands anywhere on disk, mostly with no node_modules near it, and must share this very SDK.
// Two hooks make that so: tsx's, which reads TypeScript, and after it ours, which answers the SDK's own names.

/** The SDK's own module names and the URLs of the running ones. */
export interface SdkEntries {
  readonly reprise: string
  readonly "reprise/plugin": string
  readonly "reprise/testing": string
}

/**
 * Where the running SDK's entries are. The build replaces `process.env.REPRISE_BUILD` by `"1"` and puts `index.mjs`,
 * `plugin.mjs` and `testing.mjs` beside, or one or two directories above, whatever chunk this module ends up in.
 */
export const sdkEntries = (): SdkEntries => {
  if (process.env["REPRISE_BUILD"] === "1") {
    const root = ["./", "../", "../../"]
      .map((up) => new URL(up, import.meta.url))
      .find((directory) => existsSync(new URL("plugin.mjs", directory)) && existsSync(new URL("index.mjs", directory)))
    const entry = (name: string) => new URL(name, root ?? import.meta.url).href
    return { reprise: entry("index.mjs"), "reprise/plugin": entry("plugin.mjs"), "reprise/testing": entry("testing.mjs") }
  }
  const entry = (name: string) => new URL(name, import.meta.url).href
  return {
    reprise: entry("../../index.ts"),
    "reprise/plugin": entry("../index.ts"),
    "reprise/testing": entry("../../testing/index.ts")
  }
}

// Runs on the hooks' thread, as a module of its own: it can share nothing with this file but its `data`.
// A `.ts` with no "type": "module" near it would be read as CommonJS, which never asks a resolve hook: so it is told
// to be a module.
const hook = `
let entries = {}
export const initialize = (data) => { entries = data }
export const resolve = async (specifier, context, next) => {
  const own = Object.hasOwn(entries, specifier) ? entries[specifier] : undefined
  if (own !== undefined) return { url: own, format: "module", shortCircuit: true }
  const resolved = await next(specifier, context)
  return /^file:.*\\.m?ts(?:[?#].*)?$/.test(resolved.url) ? { ...resolved, format: "module" } : resolved
}
`

/** Whether modules are run by vite-node (vitest): then it resolves and reads TypeScript itself, hooks would only harm. */
const underVite = (): boolean => "__vitest_worker__" in globalThis || "__vite_ssr_import__" in globalThis

/** Whether this process was started through tsx: registering it twice would compile everything twice. */
const underTsx = (): boolean =>
  [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].some((option) => /[/\\]tsx[/\\]|(?:^|[= ])tsx(?:\/|$|[ "])/.test(option))

let installed: Promise<void> | undefined

const install = async (): Promise<void> => {
  if (underVite()) return
  if (!underTsx()) {
    const tsx = await import("tsx/esm/api")
    tsx.register()
  }
  Module.register(`data:text/javascript,${encodeURIComponent(hook)}`, { data: sdkEntries() })
}

/**
 * Imports a module that may stand anywhere and be TypeScript; in it and in all that it imports, `reprise`,
 * `reprise/plugin` and `reprise/testing` are the running SDK.
 */
export const importModule = async (url: string): Promise<unknown> => {
  installed ??= install()
  await installed
  const module: unknown = await import(/* @vite-ignore */ url)
  return module
}
