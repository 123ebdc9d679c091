import * as Os from "node:os"
import * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { PluginContext } from "../PluginContext.ts"
import type { Needs } from "../definePlugin.ts"
import { PluginRejected, type PluginStage, type Provider, type Transport } from "../PluginHost.ts"
import { bounded, describeCause, describeProblem, describeThrown } from "./bounded-call.ts"
import { makeRuntimeDirectory, makeStateDirectory } from "./directories.ts"
import { guardProvider } from "./guarded-provider.ts"
import { guardTransport } from "./guarded-transport.ts"
import type { ConsentGate } from "./consent-gate.ts"
import { type ExaminedPlugin, examinePlugin } from "./examine-plugin.ts"
import { sortedNeeds } from "./manifest.ts"
import { importModule } from "./module-resolution.ts"
import { narrowedExecutor, narrowedFileSystem } from "./narrowed-services.ts"
import { consentSentence, describeNeeds, grantedDirectories, grantedEnv, programEnv } from "./needs.ts"
import { completeNeeds, contributionProblem, defaultExport, isContribution, readPlugin } from "./plugin-shape.ts"
import { resolveSpec } from "./resolve-spec.ts"

/**
 * One plugin as a user lists it: a built-in's short name, a path, a package; or, in a script, the plugin itself, which
 * the script then answers for (no consent is asked).
 */
export type PluginSpec =
  | string
  | { readonly spec: string; readonly options?: unknown }
  | { readonly plugin: unknown; readonly options?: unknown }

/** Where plugins are loaded for, and what the user agreed to. */
export interface PluginWorld {
  /** Absolute, symlinks resolved. */
  readonly workspace: string
  /** The id of the workspace's log, null until it is made. */
  readonly workspaceId?: Effect.Effect<string | null>
  /** The directory from which relative paths and packages are found; the workspace where none is named. */
  readonly from?: string
  /** Specs that are consented to for this run, by code of the user's own that named them. */
  readonly consents: ReadonlyArray<string>
  /** Who is asked about other specs; without it they are not consented to. */
  readonly gate?: ConsentGate
  /** Short names of the built-in plugins, and the URLs of their modules. */
  readonly builtins: Readonly<Record<string, string>>
  /** The environment that grants are taken from. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A plugin that was set up; its scope is open. */
export interface LoadedPlugin {
  readonly spec: string
  readonly name: string
  readonly providers: Readonly<Record<string, Provider>>
  readonly transports: Readonly<Record<string, Transport>>
}

/** Longest time, in milliseconds, for a plugin's module to load, to set itself up and to release what it holds. */
export const loadLimits = { import: 20_000, setup: 10_000, release: 5_000 } as const

/** A spec as it is named in messages. */
export const specName = (spec: PluginSpec): string => {
  if (typeof spec === "string") return spec
  if ("spec" in spec) return spec.spec
  const plugin = readPlugin(spec.plugin)
  return "stage" in plugin ? plugin.plugin ?? "a plugin given as a value" : plugin.name
}

const homeOf = (world: Pick<PluginWorld, "env">): string => world.env["HOME"] || Os.homedir()
const placesOf = (world: Pick<PluginWorld, "env" | "from" | "workspace">) => ({ from: world.from ?? world.workspace, home: homeOf(world) })

interface Imported {
  readonly exported: unknown
  /** A plugin of the user's, as it was before it was imported; null for a built-in one and for a value. */
  readonly examined: ExaminedPlugin | null
}

/** Where a spec leads: to a module, or to nothing that can be loaded. */
export const whereIs = (spec: PluginSpec, world: Pick<PluginWorld, "builtins" | "env" | "from" | "workspace">) =>
  resolveSpec(specName(spec), { ...placesOf(world), builtins: world.builtins })

/** Nothing of a plugin is imported before this. */
const demandConsent = (spec: string, { subject }: ExaminedPlugin, world: PluginWorld) =>
  Effect.gen(function*() {
    if (world.consents.includes(spec)) return
    const why = world.gate === undefined ? "you have not consented to it" : yield* world.gate.demand({ spec, subject })
    if (why !== null) {
      return yield* new PluginRejected({ spec, plugin: null, stage: "consent", detail: consentSentence(spec, why, subject), consent: subject })
    }
  })

const importSpec = Effect.fn("plugin.import")(function*(spec: PluginSpec, world: PluginWorld) {
  if (typeof spec !== "string" && "plugin" in spec) {
    return { exported: spec.plugin, examined: null } satisfies Imported
  }
  const name = specName(spec)
  const rejected = (stage: PluginStage, detail: string) =>
    new PluginRejected({ spec: name, plugin: null, stage, detail })
  const resolved = whereIs(spec, world)
  if (resolved._tag === "NotFound") return yield* rejected("resolve", resolved.detail)
  const examined = resolved.builtin ? null : yield* examinePlugin(name, resolved.url, resolved.directory)
  if (examined !== null) yield* demandConsent(name, examined, world)
  const module = yield* bounded(
    Effect.tryPromise({
      try: () => importModule(examined?.url ?? resolved.url, examined?.hashes),
      catch: (error) => {
        const why = describeThrown(error)
        const advice = /Cannot find module 'reprise\b/.test(why)
          ? " A plugin is an ES module: it gets reprise by import, not by require."
          : ""
        return rejected("import", `its module can't be loaded: ${why}${advice}`)
      }
    }),
    loadLimits.import,
    () => Effect.fail(rejected("import", `its module did not load within ${loadLimits.import} ms.`))
  )
  if (examined !== null) {
    const now = yield* examinePlugin(name, resolved.url, resolved.directory)
    if ([...examined.hashes].some(([path, hash]) => now.hashes.get(path) !== hash)) {
      return yield* rejected("import", "its files were changed while it was loaded, so what was consented to is not what was loaded. Nothing more of it was run. Try again.")
    }
  }
  return { exported: defaultExport(module), examined } satisfies Imported
})

/** What is wrong where a plugin's code asks for something else than its manifest said; null where nothing is. */
const undeclared = (asked: Required<Needs>, examined: ExaminedPlugin | null): string | null => {
  if (examined === null || examined.manifest === null) return null
  const { file, needs } = examined.manifest
  return JSON.stringify(sortedNeeds(asked)) === JSON.stringify(needs)
    ? null
    : `its code asks to ${describeNeeds(asked) ?? "use nothing"}, and its manifest ${file} says that it asks to ${describeNeeds(needs) ?? "use nothing"}. ` +
      "It was not set up. Make the two the same."
}

/** Closes a plugin's scope; one that does not end, or breaks, keeps nobody waiting. */
const release = (name: string, scope: Scope.CloseableScope, exit: Exit.Exit<unknown, unknown>) =>
  bounded(
    Scope.close(scope, exit).pipe(
      Effect.catchAllCause((cause) =>
        Effect.logWarning(`Plugin ${name} broke while it was closed: ${describeCause(cause)}`)
      )
    ),
    loadLimits.release,
    () => Effect.logWarning(`Plugin ${name} did not close within ${loadLimits.release} ms; it was left behind.`)
  )

/**
 * Loads one plugin through all stages. What it acquires is released with the surrounding scope, or at once where a
 * stage fails. `taken` turns away names that somebody else has; it is asked before and after `setup`.
 */
export const loadPlugin = Effect.fn("plugin.load")(function*(
  spec: PluginSpec,
  world: PluginWorld,
  taken: (entry: { readonly kind: "plugin" | "provider" | "transport"; readonly name: string }) => string | null =
    () => null
) {
  const named = specName(spec)
  const { exported, examined } = yield* importSpec(spec, world)

  const read = readPlugin(exported)
  if ("stage" in read) return yield* new PluginRejected({ spec: named, ...read })
  const plugin = read
  const rejected = (stage: PluginStage, detail: string) =>
    new PluginRejected({ spec: named, plugin: plugin.name, stage, detail })

  const given = typeof spec === "string" ? undefined : spec.options
  const options = Either.mapLeft(
    Schema.decodeUnknownEither(plugin.options, { onExcessProperty: "error" })(given ?? {}),
    (problem) => rejected("options", `its options are wrong: ${describeProblem(problem)}.`)
  )
  if (Either.isLeft(options)) return yield* options.left

  const needs = completeNeeds(plugin.needs)
  const mismatch = undeclared(needs, examined)
  if (mismatch !== null) return yield* rejected("needs", mismatch)

  const pluginTaken = taken({ kind: "plugin", name: plugin.name })
  if (pluginTaken !== null) return yield* rejected("duplicate", pluginTaken)

  const refuseDirectory = Effect.mapError((refusal: { readonly detail: string }) => rejected("directory", refusal.detail))
  const stateDirectory = yield* makeStateDirectory(world.workspace, plugin.name).pipe(refuseDirectory)
  const runtimeDirectory = yield* makeRuntimeDirectory(world.workspace, world.env).pipe(refuseDirectory)

  const home = homeOf(world)
  const scope = yield* Scope.make()
  const services = Context.empty().pipe(
    Context.add(PluginContext, {
      workspace: world.workspace,
      workspaceId: world.workspaceId ?? Effect.succeed(null),
      stateDirectory,
      runtimeDirectory,
      env: grantedEnv(world.env, needs.env)
    }),
    Context.add(
      FileSystem.FileSystem,
      narrowedFileSystem(yield* FileSystem.FileSystem, {
        plugin: plugin.name,
        directories: [
          ...grantedDirectories(needs.directories, { home, workspace: world.workspace }),
          stateDirectory,
          runtimeDirectory
        ],
        temporary: runtimeDirectory
      })
    ),
    Context.add(
      CommandExecutor.CommandExecutor,
      narrowedExecutor(yield* CommandExecutor.CommandExecutor, {
        plugin: plugin.name,
        executables: needs.executables,
        env: programEnv(world.env, needs.env)
      })
    ),
    Context.add(Path.Path, yield* Path.Path),
    Context.add(Scope.Scope, scope)
  )

  const setUp = Effect.suspend(() => {
    const started = plugin.setup(options.right)
    return Effect.isEffect(started) ? started : Effect.fail("its setup gave no Effect. Give Effect.succeed({ ... }).")
  }).pipe(
    Effect.provide(services),
    Effect.catchAllCause((cause) => Effect.fail(rejected("setup", describeCause(cause)))),
    Effect.filterOrElse(isContribution, (given) =>
      Effect.fail(rejected("setup", contributionProblem(given) ?? "setup gave something else than drivers."))),
    Effect.tap((contribution) => {
      const entries = [
        ...Object.keys(contribution.providers ?? {}).map((name) => ({ kind: "provider", name }) as const),
        ...Object.keys(contribution.transports ?? {}).map((name) => ({ kind: "transport", name }) as const)
      ]
      const clash = entries.map((entry) => taken(entry)).find((reason) => reason !== null)
      return clash === undefined || clash === null ? Effect.void : Effect.fail(rejected("duplicate", clash))
    })
  )

  const contribution = yield* Effect.uninterruptibleMask((restore) =>
    restore(
      bounded(setUp, loadLimits.setup, () =>
        Effect.fail(rejected("setup", `it was not done within ${loadLimits.setup} ms.`)))
    ).pipe(
      Effect.onExit((exit) =>
        Exit.isSuccess(exit)
          ? Effect.addFinalizer((end) => release(plugin.name, scope, end))
          : release(plugin.name, scope, exit)
      )
    )
  )

  const guarded = <Driver, Service>(
    drivers: Readonly<Record<string, Driver>> | undefined,
    guard: (names: { readonly plugin: string; readonly name: string }, driver: Driver) => Service
  ): Readonly<Record<string, Service>> =>
    Object.fromEntries(
      Object.entries(drivers ?? {}).map(([name, driver]) => [name, guard({ plugin: plugin.name, name }, driver)])
    )
  const loaded: LoadedPlugin = {
    spec: named,
    name: plugin.name,
    providers: guarded(contribution.providers, guardProvider),
    transports: guarded(contribution.transports, guardTransport)
  }
  return loaded
})
