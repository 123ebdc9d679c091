import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { EventLogError } from "../event-log/errors.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { HostProcess } from "../plugin/provider-driver.ts"
import { PluginHost, type Provider } from "../plugin/PluginHost.ts"
import { type ProcessRow, treeOf } from "../plugin/process-table.ts"
import { type Adoptable, chooseAdoptable, type Choice, isBelow, type LeftOut, type Recognised } from "../session/adopt.ts"
import { ancestorsOf } from "../session/adopt-processes.ts"
import { HostProcesses } from "../session/host-processes.ts"
import { allTeams } from "./prepare.ts"

// Finding what a person started: every process of this user is shown to every provider. Looks only.

/** Nothing could be adopted as it was asked; nothing was recorded, and no process was touched. */
export class AdoptRefused extends Schema.TaggedError<AdoptRefused>("reprise/AdoptRefused")("AdoptRefused", {
  reason: Schema.Literal("InsideAgent", "NoTable", "TeamExists", "BadName", "FileExists", "NotAdoptable", "FileNotWritten"),
  detail: Schema.String,
  next: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.detail
  }
}

export interface AdoptOptions {
  readonly workspace: string
  /** Where the agents come back when they are restarted. */
  readonly transport: string
  readonly plugins: ReadonlyArray<string>
  /** The team's name; the workspace's by default. */
  readonly name?: string
  /** These processes only. */
  readonly only?: ReadonlyArray<number>
  /** Also processes that are not below the workspace. */
  readonly everywhere?: boolean
}

/** All providers that are built in or listed, and can recognise a process. */
const recognisers = Effect.gen(function*() {
  const host = yield* PluginHost
  const known = yield* host.providers ?? Effect.succeed([])
  const providers = yield* Effect.forEach(known, (name) => Effect.either(host.provider(name)))
  const able = providers.flatMap((found) => Either.isRight(found) && found.right.recognise !== undefined ? found.right : [])
  return [...new Map(able.map((provider) => [provider.name, provider])).values()]
})

export interface Found extends Choice {
  readonly teams: ReadonlyArray<TeamState>
}

/** Processes of agents that the log knows, by pid: the whole tree of each, as `team/agent`. */
const agentProcesses = (teams: ReadonlyArray<TeamState>, table: ReadonlyArray<ProcessRow>): ReadonlyMap<number, string> =>
  new Map(teams.flatMap((team) => team.agents.flatMap(({ adopted, spawn, spec }) => {
    const roots = [spawn?.pane, adopted].flatMap((at) => at === null || at === undefined ? [] : { pid: at.pid, startTime: at.startTime })
    return treeOf(table, roots).map(({ pid }) => [pid, `${team.key}/${spec.id}`] as const)
  })))

const holdersIn = (teams: ReadonlyArray<TeamState>): ReadonlyMap<string, string> =>
  new Map(teams.flatMap((team) => team.agents.flatMap(({ session, spec }) =>
    session === null ? [] : [[`${session.provider}/${session.id}`, `${team.key}/${spec.id}`] as const])))

const noTable = new AdoptRefused({
  reason: "NoTable",
  detail: "The processes of this host can't be read here, so nothing can be recognised. Nothing was done.",
  next: ["reprise up FILE"]
})

/** Looks at all processes of this user, and changes nothing. */
export const findAdoptable = (options: AdoptOptions): Effect.Effect<Found, AdoptRefused | EventLogError, EventLog | PluginHost> =>
  Effect.gen(function*() {
    const providers = yield* recognisers
    const teams = yield* allTeams
    const host = yield* HostProcesses
    const table = yield* host.table
    const processes = yield* host.own
    if (table === null || processes === null) return yield* noTable
    const failed: Array<LeftOut> = []
    const only = options.only === undefined ? null : new Set(options.only)
    const meant = ({ cwd, pid }: HostProcess) => options.everywhere === true || only?.has(pid) === true || isBelow(options.workspace, cwd)
    const known = yield* Effect.forEach(processes, (process) =>
      Effect.forEach(providers, (provider) =>
        Effect.match(provider.recognise?.(process) ?? Effect.succeed(null), {
          onFailure: (error) => {
            if (meant(process)) failed.push({ pid: process.pid, provider: provider.name, reason: `its provider could not tell: ${error.message}` })
            return []
          },
          onSuccess: (said): ReadonlyArray<Recognised> => said === null ? [] : [{ process, provider: provider.name, said }]
        })), { concurrency: 8 })
    const choice = chooseAdoptable(known.flat(2), {
      workspace: options.workspace,
      everywhere: options.everywhere ?? false,
      only,
      callers: ancestorsOf(host.self, table),
      agents: agentProcesses(teams, table),
      holders: holdersIn(teams),
      ancestors: (pid) => ancestorsOf(pid, table)
    })
    const refused = checkOptions(choice.adoptable, providers)
    const adoptable = choice.adoptable.filter(({ process: { pid } }) => !refused.some((one) => one.pid === pid))
    const leftOut = [...choice.leftOut, ...refused, ...failed]
    const strangers = [...only ?? []].flatMap((pid) =>
      adoptable.some(({ process }) => process.pid === pid)
        ? []
        : [leftOut.find((one) => one.pid === pid) ?? {
          pid,
          provider: null,
          reason: table.some((row) => row.pid === pid) ? "no provider knows it for one of its CLI" : "there is no such process"
        }])
    if (strangers.length > 0) {
      return yield* new AdoptRefused({
        reason: "NotAdoptable",
        detail: `${strangers.map(({ pid, reason }) => `Process ${pid} can't be adopted: ${reason}.`).join(" ")} Nothing was done.`,
        next: ["reprise adopt --dry-run"]
      })
    }
    return { ...choice, adoptable, leftOut, teams }
  })

/** What a provider would not take in a team file can't be written into one. */
const checkOptions = (adoptable: ReadonlyArray<Adoptable>, providers: ReadonlyArray<Provider>): ReadonlyArray<LeftOut> =>
  adoptable.flatMap(({ process: { pid }, provider, said }) => {
    const problems = providers.find(({ name }) => name === provider)?.checkOptions(said.options) ?? []
    return problems.length === 0 ? [] : [{
      pid,
      provider,
      reason: `what it runs with can't be written into a team file: ${problems.map(({ path, problem }) => `${path.join(".")} ${problem}`).join("; ")}`
    }]
  })
