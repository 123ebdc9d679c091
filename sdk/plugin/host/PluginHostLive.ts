import { realpathSync } from "node:fs"
import * as Fs from "node:fs/promises"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { PluginHost, PluginMissing, type PluginRejected, type Provider, type Transport } from "../PluginHost.ts"
import type { ConsentGate } from "./consent-gate.ts"
import { loadPlugin, specName, whereIs, type LoadedPlugin, type PluginSpec, type PluginWorld } from "./load-plugin.ts"

/** What a host is made from. */
export interface PluginHostOptions {
  /** The directory that the plugins work for. */
  readonly workspace: string
  /** The id of the workspace's log, null until it is made; by default there is none. */
  readonly workspaceId?: Effect.Effect<string | null>
  /** The plugins that the user listed, in order; a built-in only to give it options. */
  readonly specs: ReadonlyArray<PluginSpec>
  /** Specs that are consented to for this run, by code of the user's own that named them. */
  readonly consents: ReadonlyArray<string>
  /** Who is asked about other specs; without it they are not consented to. */
  readonly gate?: ConsentGate
  /** The built-in plugins: the name of the provider or transport that each gives, and the URL of its module. */
  readonly builtins: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** The directory from which relative specs are found; the workspace where none is named. */
  readonly from?: string
}

interface Entry<A> {
  readonly service: A
  readonly plugin: string
}

/** A file by its real path: a link to a plugin is the same plugin. */
const realUrl = (url: string): string => {
  try {
    return pathToFileURL(realpathSync(fileURLToPath(url))).href
  } catch {
    return url
  }
}

const make = Effect.fn("PluginHost.make")(function*(options: PluginHostOptions) {
  const workspace = yield* Effect.promise(() => Fs.realpath(options.workspace).catch(() => options.workspace))
  const world: PluginWorld = { ...options, workspace }
  const hostScope = yield* Effect.scope
  const services = yield* Effect.context<FileSystem.FileSystem | Path.Path | CommandExecutor.CommandExecutor>()
  // One load at a time: names are taken in the order of the list, whoever asks first.
  const loading = yield* Effect.makeSemaphore(1)

  const plugins = new Map<string, string>()
  const providers = new Map<string, Entry<Provider>>()
  const transports = new Map<string, Entry<Transport>>()
  const rejections: Array<PluginRejected> = []

  const isBuiltin = (spec: PluginSpec): boolean =>
    (typeof spec === "string" || "spec" in spec) && Object.hasOwn(options.builtins, specName(spec))
  const builtinSpec = (name: string): PluginSpec =>
    options.specs.find((spec) => isBuiltin(spec) && specName(spec) === name) ?? name
  const waiting = options.specs.filter((spec) => !isBuiltin(spec))
  const builtinsDone = new Set<string>()
  const modules = new Map<string, PluginSpec>()
  /** One module may be named in more than one way: by a team's record and again on the command line. */
  const isFirst = (spec: PluginSpec): boolean => {
    if (typeof spec !== "string" && "plugin" in spec) return true
    const place = whereIs(spec, world)
    if (place._tag === "NotFound") return true
    const module = realUrl(place.url)
    const first = modules.get(module) ?? spec
    modules.set(module, first)
    return first === spec
  }

  const load = (spec: PluginSpec) => {
    const builtin = isBuiltin(spec)
    return loadPlugin(spec, world, ({ kind, name }) => {
      if (kind === "plugin") {
        const owner = plugins.get(name)
        return owner === undefined ? null : `a plugin named "${name}" is loaded already, from ${owner}.`
      }
      const owner = (kind === "provider" ? providers : transports).get(name)?.plugin
      if (owner !== undefined) return `the ${kind} "${name}" is given by the plugin ${owner} already.`
      return !builtin && Object.hasOwn(options.builtins, name)
        ? `the name "${name}" of its ${kind} belongs to a built-in plugin.`
        : null
    }).pipe(
      Effect.provide(services),
      Scope.extend(hostScope),
      Effect.either,
      Effect.map(Either.match({ onLeft: (rejection) => void rejections.push(rejection), onRight: enter }))
    )
  }
  const enter = (loaded: LoadedPlugin): void => {
    plugins.set(loaded.name, loaded.spec)
    const plugin = loaded.name
    for (const [name, service] of Object.entries(loaded.providers)) providers.set(name, { service, plugin })
    for (const [name, service] of Object.entries(loaded.transports)) transports.set(name, { service, plugin })
  }

  const loadFor = (name: string) =>
    Effect.gen(function*() {
      if (Object.hasOwn(options.builtins, name)) {
        if (builtinsDone.has(name)) return
        yield* load(builtinSpec(name))
        builtinsDone.add(name)
        return
      }
      for (let spec = waiting[0]; spec !== undefined; spec = waiting[0]) {
        if (isFirst(spec)) yield* load(spec)
        waiting.shift()
      }
    })

  /**
   * Loads what could give `name`: the built-in of that name, else everything on the list. It goes on where the caller
   * is interrupted: half a load would be made twice.
   */
  const ensure = (name: string) =>
    Effect.flatMap(Effect.forkIn(loading.withPermits(1)(loadFor(name)), hostScope), Fiber.join)

  const find = <A>(kind: "provider" | "transport", name: string, entries: ReadonlyMap<string, Entry<A>>) =>
    Effect.gen(function*() {
      const known = entries.get(name)
      if (known !== undefined) return known.service
      yield* ensure(name)
      const entry = entries.get(name)
      if (entry !== undefined) return entry.service
      return yield* new PluginMissing({
        kind,
        name,
        known: [...new Set([...Object.keys(options.builtins), ...entries.keys()])].sort(),
        rejected: [...rejections]
      })
    })

  return PluginHost.of({
    provider: (name) => find("provider", name, providers),
    transport: (name) => find("transport", name, transports),
    // Nobody's name: what is listed is loaded for it.
    providers: Effect.map(ensure(""), () => {
      const builtin = Object.entries(options.builtins).flatMap(([name, url]) => url.includes("/transports/") ? [] : name)
      return [...new Set([...builtin, ...providers.keys()])].sort()
    }),
    rejected: Effect.sync(() => [...rejections])
  })
})

/**
 * The host of this process. A built-in is loaded when its provider or transport is first asked for, the listed plugins
 * when something is asked for that no built-in gives. A plugin that is turned away is noted; the others load on.
 */
export const PluginHostLive = {
  layer: (
    options: PluginHostOptions
  ): Layer.Layer<PluginHost, never, FileSystem.FileSystem | Path.Path | CommandExecutor.CommandExecutor> =>
    Layer.scoped(PluginHost, make(options))
}
