import * as Module from "node:module"
import { existsSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { MessageChannel } from "node:worker_threads"
import { notAModule } from "./module-file.ts"

// A plugin or policy file stands anywhere on disk, mostly with no node_modules near it, and must share this very SDK.
// Two hooks make that so: tsx's, which reads TypeScript, and after it ours, which answers the SDK's own names.

/** The SDK's own module names and the URLs of the running ones. */
export interface SdkEntries {
  readonly reprise: string
  readonly "reprise/plugin": string
  readonly "reprise/testing": string
}

// The build puts "1" in the place of this.
const isBuild = (): boolean => process.env["REPRISE_BUILD"] === "1"

/**
 * Where the running SDK's entries are. A build has `index.mjs`, `plugin.mjs` and `testing.mjs` beside, or one or
 * two directories above, the file that this module ends up in.
 */
export const sdkEntries = (): SdkEntries => {
  if (isBuild()) {
    const root = ["./", "../", "../../"]
      .map((up) => new URL(up, import.meta.url))
      .find((directory) => existsSync(new URL("plugin.mjs", directory)) && existsSync(new URL("index.mjs", directory)))
    const entry = (name: string) => new URL(name, root ?? import.meta.url).href
    return {
      reprise: entry("index.mjs"),
      "reprise/plugin": entry("plugin.mjs"),
      "reprise/testing": entry("testing.mjs")
    }
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
// to be a module. tsx gives such a file a name of its own (`x.ts%3Ftsx-commonjs-…`), which is taken back.
// Files that a consent covers come by the port, each with the hash that was consented to: one that has another hash when
// it is read is not loaded, and one of them imports no file of the user's that is not covered.
const hook = `
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { receiveMessageOnPort } from "node:worker_threads"
let entries = {}
let covers
const covered = new Map()
const learn = () => {
  for (let told = receiveMessageOnPort(covers); told !== undefined; told = receiveMessageOnPort(covers)) {
    for (const [url, hash] of told.message) covered.set(url, hash)
  }
}
const plain = (url) => (url ?? "").replace(/(?:%3Ftsx-|[?#]).*$/, "")
const verify = (url) => {
  const hash = covered.get(url)
  if (hash !== undefined && createHash("sha256").update(readFileSync(new URL(url))).digest("hex") !== hash) {
    throw new Error(url + " was changed after its consent was checked")
  }
}
const demandCovered = (specifier, url, parent) => {
  if (!covered.has(plain(parent)) || !url.startsWith("file:") || covered.has(plain(url))) return
  if (!/^(?:[./#]|file:)/.test(specifier) && url.includes("/node_modules/")) return
  throw new Error(plain(parent) + " imports " + specifier + " (" + plain(url) + "), which its consent does not cover: " +
    "its code names this file by no path that can be read without running it")
}
export const initialize = (data) => {
  entries = data.entries
  covers = data.covers
}
export const resolve = async (specifier, context, next) => {
  const own = Object.hasOwn(entries, specifier) ? entries[specifier] : undefined
  if (own !== undefined) return { url: own, format: "module", shortCircuit: true }
  const resolved = await next(specifier, context)
  learn()
  demandCovered(specifier, resolved.url, context.parentURL)
  const [, file, query = ""] = /^(file:[^?#]*?\\.m?ts)(?:%3Ftsx-[^?#]*)?([?#].*)?$/.exec(resolved.url) ?? []
  if (file === undefined) return resolved
  const kept = query.slice(1).split("&").filter((part) => part !== "" && !part.startsWith("tsx-commonjs-")).join("&")
  return { ...resolved, url: kept === "" ? file : file + "?" + kept, format: "module" }
}
export const load = async (url, context, next) => {
  learn()
  verify(plain(url))
  const loaded = await next(url, context)
  verify(plain(url))
  return loaded
}
`

/** Whether vite-node (vitest) runs this: it resolves and reads TypeScript itself, and hooks would only harm. */
const underVite = (): boolean => "__vitest_worker__" in globalThis || "__vite_ssr_import__" in globalThis

/** Whether this process was started through tsx: registering it twice would compile everything twice. */
const underTsx = (): boolean =>
  [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].some((option) =>
    /[/\\]tsx[/\\]|(?:^|[= ])tsx(?:\/|$|[ "])/.test(option)
  )

type Import = (specifier: string) => Promise<unknown>

const isImport = (value: unknown): value is Import => typeof value === "function"

/** The `import()` to use; see native-import.cjs on why it is not always the one of this file. */
const importer = (): Import => {
  if (!isBuild()) return (specifier) => import(/* @vite-ignore */ specifier)
  const loaded: unknown = Module.createRequire(sdkEntries().reprise)("./native-import.cjs")
  if (typeof loaded === "object" && loaded !== null && "nativeImport" in loaded && isImport(loaded.nativeImport)) {
    return loaded.nativeImport
  }
  throw new Error("This build of Reprise lacks native-import.cjs, so no plugin can be loaded. Install it again.")
}

const install = async (): Promise<Import> => {
  const load = importer()
  if (underVite()) return load
  if (!underTsx()) {
    const tsx = await load("tsx/esm/api")
    if (typeof tsx === "object" && tsx !== null && "register" in tsx && typeof tsx.register === "function") {
      tsx.register()
    }
  }
  const { port1, port2 } = new MessageChannel()
  port1.unref()
  Module.register(`data:text/javascript,${encodeURIComponent(hook)}`, {
    data: { entries: sdkEntries(), covers: port2 },
    transferList: [port2]
  })
  tellCovered = (hashes) => port1.postMessage([...hashes].map(([path, hash]) => [pathToFileURL(path).href, hash]))
  return load
}

let installed: Promise<Import> | undefined
/** Tells the hooks which files may be loaded, and with which content. Without hooks (under vitest) nothing listens. */
let tellCovered: (hashes: ReadonlyMap<string, string>) => void = () => undefined

/**
 * Imports a module that may stand anywhere and be TypeScript; in it and in all that it imports, `reprise`,
 * `reprise/plugin` and `reprise/testing` are the running SDK. `covered`: its files by real path, and the hash that each
 * must have to be loaded.
 */
export const importModule = async (url: string, covered?: ReadonlyMap<string, string>): Promise<unknown> => {
  // What the build ships is JavaScript and knows its SDK: the hooks, a thread of their own, would cost it a start-up.
  if (isBuild() && url.startsWith(new URL("./", sdkEntries().reprise).href)) return importer()(url)
  const problem = notAModule(url)
  if (problem !== null) throw new Error(problem)
  installed ??= install()
  const load = await installed
  if (covered !== undefined) tellCovered(covered)
  return load(url)
}
