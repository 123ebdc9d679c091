import * as Schema from "effect/Schema"
import { pluginApi, type Contribution, type Needs, type Plugin } from "../definePlugin.ts"
import type { PluginStage } from "../PluginHost.ts"
import { ProviderCapabilities, TransportCapabilities } from "./answers.ts"

// What a module exports is judged by its shape alone: it may come from another copy of the SDK or of effect.

/** A rejection before it is known which spec it belongs to. */
export interface Fault {
  readonly stage: PluginStage
  readonly plugin: string | null
  readonly detail: string
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  (typeof value === "object" && value !== null && !Array.isArray(value)) || typeof value === "function"

const NeedsShape = Schema.Struct({
  executables: Schema.optional(Schema.Array(Schema.NonEmptyString)),
  directories: Schema.optional(Schema.Array(Schema.NonEmptyString)),
  env: Schema.optional(Schema.Array(Schema.NonEmptyString))
})
const isNeeds = Schema.is(NeedsShape)

/** A plugin's name: it is also the name of its state directory. */
const pluginName = /^[a-z][a-z0-9-]{0,62}$/

/** The default export of an imported module; CommonJS that was compiled from a default export carries it twice. */
export const defaultExport = (module: unknown): unknown => {
  const first = isRecord(module) ? module["default"] : undefined
  return isRecord(first) && first["__esModule"] === true && "default" in first ? first["default"] : first
}

const isPlugin = (value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, unknown>> & Plugin =>
  typeof value["name"] === "string" && value["api"] === pluginApi && isNeeds(value["needs"]) &&
  Schema.isSchema(value["options"]) && typeof value["setup"] === "function"

/** Reads a default export as a plugin, or says at which stage and why it is not one. */
export const readPlugin = (value: unknown): Plugin | Fault => {
  const shape = (plugin: string | null, detail: string): Fault => ({ stage: "shape", plugin, detail })
  if (!isRecord(value)) {
    return shape(null, "its default export is not a plugin. Export what definePlugin({ ... }) gives as the default.")
  }
  const name = value["name"]
  if (typeof name !== "string" || !pluginName.test(name)) {
    return shape(
      null,
      `its "name" is ${JSON.stringify(name) ?? "missing"}: 63 small letters, digits and dashes at most, a letter first.`
    )
  }
  const api = value["api"]
  if (typeof api !== "number") return shape(name, `its "api" is missing. Write api: ${pluginApi}.`)
  if (api !== pluginApi) {
    const advice = api > pluginApi
      ? "Upgrade Reprise, or use an older version of the plugin."
      : "Use a newer version of it."
    return {
      stage: "api",
      plugin: name,
      detail: `it was written for plugin API ${api}, and this host speaks ${pluginApi}. ${advice}`
    }
  }
  if (!isNeeds(value["needs"])) {
    return shape(name, `its "needs" must be lists of strings: executables, directories, env ({} for nothing).`)
  }
  if (!Schema.isSchema(value["options"])) {
    return shape(name, `its "options" must be a Schema (Schema.Struct({}) for none).`)
  }
  if (typeof value["setup"] !== "function") return shape(name, `its "setup" must be a function.`)
  return isPlugin(value) ? value : shape(name, "it is not a plugin.")
}

/** The needs with nothing left out. */
export const completeNeeds = (needs: Needs): Required<Needs> => ({
  executables: needs.executables ?? [],
  directories: needs.directories ?? [],
  env: needs.env ?? []
})

const transportCalls = ["spawn", "inspect", "capture", "leaveModes", "paste", "press", "interrupt", "stop"]
const providerCalls = [
  "checkOptions",
  "command",
  "sessionAddress",
  "readTranscript",
  "holdsUserMessage",
  "classify",
  "startupPrompt",
  "approvalPrompt",
  "draft",
  "reportedSession",
  "explainExit"
]

const isTransportCapabilities = Schema.is(TransportCapabilities)
const isProviderCapabilities = Schema.is(ProviderCapabilities)
const isStrings = Schema.is(Schema.Array(Schema.String))

const missingCalls = (driver: Readonly<Record<string, unknown>>, calls: ReadonlyArray<string>): string | undefined => {
  const missing = calls.filter((call) => typeof driver[call] !== "function")
  return missing.length === 0 ? undefined : `it lacks ${missing.join(", ")}`
}

const transportProblem = (driver: unknown): string | undefined => {
  if (!isRecord(driver)) return "it is not an object"
  const missing = missingCalls(driver, transportCalls)
  if (missing !== undefined) return missing
  if (!isTransportCapabilities(driver["capabilities"])) {
    return "its capabilities must be survivesCaller, exitStatus and attach, each true or false"
  }
  for (const member of ["list", "events"]) {
    if (!isRecord(driver[member])) return `it lacks ${member}`
  }
  if (driver["attachCommand"] !== null && !isStrings(driver["attachCommand"])) {
    return "its attachCommand must be a list or null"
  }
  return driver["residence"] === null || typeof driver["residence"] === "string"
    ? undefined
    : "its residence must be a sentence or null"
}

const optionalCalls = ["processEvidence", "sessionHolders", "recognise", "checkStart", "login", "trouble", "userMessages"]
const isModeList = (value: unknown) => isStrings(value) && new Set(value).size === value.length
const isPause = Schema.is(Schema.Finite.pipe(Schema.between(0, 10_000)))

/** Keys that submit, interrupt or answer. */
const forbiddenKeys = new Set(["Enter", "Escape", "C-c", "C-d", "C-m"])
const isComposer = (value: unknown): boolean =>
  isRecord(value) && typeof value["entryOf"] === "function" &&
  (value["eraseLine"] === undefined ||
    (isStrings(value["eraseLine"]) && value["eraseLine"].length > 0 && !value["eraseLine"].some((key) => forbiddenKeys.has(key))))

/** What may be left out; a member that stands there is meant. */
const optionalProblem = (driver: Readonly<Record<string, unknown>>): string | undefined => {
  const given = (member: string): boolean => driver[member] !== undefined
  const wrong = optionalCalls.find((call) => given(call) && typeof driver[call] !== "function")
  if (wrong !== undefined) return `its ${wrong} must be a function, or left out`
  if (given("scrubbed") && !isStrings(driver["scrubbed"])) return "its scrubbed must be a list of names"
  if (given("kept") && !isStrings(driver["kept"])) return "its kept must be a list of names"
  if (given("composer") && !isComposer(driver["composer"])) {
    return "its composer must have entryOf, a function, and eraseLine, a list of keys, or left out; never Enter, Escape or C-c"
  }
  const modes = driver["permissionModes"]
  if (given("permissionModes") && !isModeList(modes)) return "its permissionModes must be a list of names, each once"
  const aliases = driver["permissionAliases"]
  if (given("permissionAliases") && !(isRecord(aliases) && isStrings(Object.values(aliases)))) {
    return "its permissionAliases must be a record of modes by their other names"
  }
  const mode = driver["defaultPermissions"]
  if (given("defaultPermissions") && typeof mode !== "string") return "its defaultPermissions must be a mode's name"
  return given("pasteSettleMs") && !isPause(driver["pasteSettleMs"])
    ? "its pasteSettleMs must be a number of milliseconds, 10000 at most"
    : undefined
}

const providerProblem = (driver: unknown): string | undefined => {
  if (!isRecord(driver)) return "it is not an object"
  const missing = missingCalls(driver, providerCalls)
  if (missing !== undefined) return missing
  if (!isProviderCapabilities(driver["capabilities"])) {
    return "its capabilities must be resume, fork, preassignedSession, mcp, headless and resumeConcurrency"
  }
  if (!isStrings(driver["executables"])) return "its executables must be a list of strings"
  return optionalProblem(driver)
}

const entryName = /^[a-z][a-z0-9-]{0,62}$/

/** What is wrong with that which `setup` gave; undefined when nothing is. */
export const contributionProblem = (value: unknown): string | undefined => {
  if (!isRecord(value)) return "setup gave no object with providers or transports."
  const kinds = [["provider", "providers", providerProblem], ["transport", "transports", transportProblem]] as const
  for (const [kind, member, problemOf] of kinds) {
    const drivers = value[member]
    if (drivers === undefined) continue
    if (!isRecord(drivers)) return `what setup gave as "${member}" is not an object of drivers by name.`
    for (const [name, driver] of Object.entries(drivers)) {
      if (!entryName.test(name)) return `"${name}" is no name for a ${kind}: small letters, digits and dashes.`
      const problem = problemOf(driver)
      if (problem !== undefined) return `its ${kind} "${name}" is not a driver: ${problem}.`
    }
  }
  return undefined
}

/** Narrows what `setup` gave, after the same check. */
export const isContribution = (value: unknown): value is Contribution => contributionProblem(value) === undefined
