import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { FailureKind } from "../domain/failure.ts"
import type { AgentSpec } from "../domain/team.ts"
import type { EventLog } from "../event-log/EventLog.ts"
import type { AgentState, TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { StartProblem } from "../plugin/provider-driver.ts"
import { findExecutable } from "../plugin/executable.ts"
import { resolveSpec, type SecretLack } from "../session/agent-environment.ts"
import { contextDrift, type OnDrift, refusedNames, specForSpawn } from "../session/launch-context.ts"
import { meantPermissions, nextPermissions } from "../session/permissions.ts"
import { HostEnvironment } from "./operation.ts"
import { aboveLeader, type Leader } from "./rank.ts"
import { layOutSpawn, planSpawn } from "./spawn.ts"

/** Something that an agent needs and that is not there: found before anything is touched. */
export interface Lack {
  readonly agent: string
  readonly kind: "missing_binary" | "missing_directory"
  readonly reason: string
  /** The directory that is missing. */
  readonly path?: string
}

/** Whether a directory is there; what can't be told counts as there, since the start itself will tell. */
export const isDirectory = (path: string): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.stat(path)).pipe(
    Effect.map((info) => info.type === "Directory"),
    Effect.catchAll((error) => Effect.succeed(error._tag !== "SystemError" || error.reason !== "NotFound"))
  )

/** What these agents lack on this machine to be started at all. */
export const findLacks = (
  specs: ReadonlyArray<AgentSpec>,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<ReadonlyArray<Lack>, never, FileSystem.FileSystem | HostEnvironment> =>
  Effect.gen(function*() {
    const host = yield* HostEnvironment
    const lacks: Array<Lack> = []
    for (const spec of specs) {
      for (const program of findProvider(spec.provider)?.executables ?? []) {
        if (findExecutable(program, spec.cwd, spec.env["PATH"] ?? host["PATH"]) !== null) continue
        lacks.push({
          agent: spec.id,
          kind: "missing_binary",
          reason: `${spec.id} needs the program ${program} (provider ${spec.provider}), which is not on the PATH`
        })
      }
      if (!(yield* isDirectory(spec.cwd))) {
        lacks.push({
          agent: spec.id,
          kind: "missing_directory",
          path: spec.cwd,
          reason: `${spec.id} is to work in ${spec.cwd}, which is not a directory`
        })
      }
    }
    return lacks
  })

/** A start that is to be made. */
export interface Start {
  /** As it is to be launched. */
  readonly agent: AgentState
  readonly spec: AgentSpec
  readonly mode: "fresh" | "resume"
  readonly onDrift: OnDrift
}

/** Something that speaks against a start, found before anything is touched. */
export interface StartFinding {
  readonly agent: string
  readonly kind: FailureKind
  /** A sentence. */
  readonly problem: string
}

export interface StartFindings {
  readonly refusals: ReadonlyArray<StartFinding>
  readonly warnings: ReadonlyArray<StartFinding>
}

export const nothingFound: StartFindings = { refusals: [], warnings: [] }

/** What names the agent itself tells nothing of its CLI: agents that differ in nothing else are asked about once. */
const withoutNames = (env: Readonly<Record<string, string>>): ReadonlyArray<readonly [string, string]> =>
  Object.entries(env).filter(([name]) => !name.startsWith("REPRISE_")).toSorted(([a], [b]) => a < b ? -1 : 1)

/**
 * Asks the providers what speaks against these starts, each in the environment that it will have. What can't be told is
 * said as a warning: the start itself will tell.
 */
export const checkStarts = (
  team: TeamState,
  starts: ReadonlyArray<Start>,
  findProvider: (name: string) => Provider | undefined,
  leader: Leader | null
): Effect.Effect<StartFindings, never, EventLog | HostEnvironment | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const asked = new Map<string, Effect.Effect<ReadonlyArray<StartProblem>>>()
    const found = yield* Effect.forEach(starts, ({ agent, mode, onDrift, spec }) =>
      Effect.gen(function*() {
        const provider = findProvider(spec.provider)
        if (provider === undefined) return []
        const refused = refusedNames(spec, provider.scrubbed ?? [], provider.kept)
        const left: ReadonlyArray<StartProblem> = refused.length === 0 ? [] : [{
          severity: "warning",
          kind: "bad_flags",
          problem: `${refused.join(", ")} of its env would tie it to another session, and is left out`
        }]
        const above = leader === null ? null : aboveLeader(leader, provider, meantPermissions(spec, provider))
        if (above !== null) return [...left, { severity: "refusal" as const, kind: "bad_flags" as const, problem: above }]
        const check = provider.checkStart
        if (check === undefined) return left
        // How it would be started fails with its own reason when it is started.
        const planned = yield* Effect.either(planSpawn(team, agent, provider, mode, onDrift))
        if (Either.isLeft(planned)) return left
        const { agent: subject, request } = planned.right
        const { cwd, configHome, effort, model, options, permissions } = subject
        const key = JSON.stringify([spec.provider, cwd, configHome, effort, model, options, permissions, withoutNames(request.env)])
        const answer = asked.get(key) ?? (yield* Effect.cached(
          check(subject, request.env).pipe(
            Effect.catchAll((error) =>
              Effect.succeed<ReadonlyArray<StartProblem>>([{
                severity: "warning",
                kind: "unknown",
                problem: `whether anything speaks against its start could not be told: ${error.message.replace(/\.$/, "")}`
              }])
            )
          )
        ))
        asked.set(key, answer)
        return [...left, ...yield* answer]
      }).pipe(Effect.map((problems) => problems.map((problem) => ({ ...problem, agent: agent.spec.id })))), { concurrency: 8 })
    const of = (severity: StartProblem["severity"]): ReadonlyArray<StartFinding> =>
      found.flat().flatMap((problem) =>
        problem.severity === severity ? [{ agent: problem.agent, kind: problem.kind, problem: problem.problem }] : []
      )
    return { refusals: of("refusal"), warnings: of("warning") }
  })

/** What the next start of an agent would differ in from the one before. */
export interface StartOutlook {
  /** Of its account and environment, as sentences. */
  readonly drift: ReadonlyArray<string>
  /** Why it may not be started: a login or secret of its last start, or one that its team file refers to, is missing. */
  readonly lack: SecretLack | null
}

/** What of an agent's account, environment and secrets would differ from the spawn before; nothing where that can't be told. */
export const startOutlook = (
  team: TeamState,
  agent: AgentState,
  provider: Provider,
  onDrift: OnDrift
): Effect.Effect<StartOutlook, never, EventLog | HostEnvironment | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    if (agent.spec.paused) return { drift: [], lack: null }
    const then = agent.spawn?.launchContext
    const { lacks } = yield* resolveSpec(specForSpawn(agent, onDrift), yield* HostEnvironment)
    const [lack] = lacks
    if (lack !== undefined) return { drift: [], lack: { code: lack.code, why: lacks.map(({ why }) => why).join("; ") } }
    // How it would be started fails with its own reason when it is started.
    const made = yield* Effect.option(layOutSpawn(team, agent, provider, agent.session === null ? "fresh" : "resume", onDrift))
    return Option.match(made, {
      onNone: () => ({ drift: [], lack: null }),
      onSome: ({ lack: missing, plan }) => ({ drift: then === undefined ? [] : contextDrift(then, plan.launchContext), lack: missing })
    })
  })

/**
 * The permission mode of each agent's next start. Wider than before it gets only when a person starts it from its file
 * after it was stopped.
 */
export const permissionsOf = (
  team: TeamState,
  specs: ReadonlyArray<AgentSpec> | undefined,
  findProvider: (name: string) => Provider | undefined
): Effect.Effect<ReadonlyMap<string, string | null>, never, HostEnvironment> =>
  Effect.map(HostEnvironment, (env) => {
    const mayWiden = specs !== undefined && team.stopped && env["REPRISE_AGENT"] === undefined
    return new Map(team.agents.map((agent) => {
      const spec = specs?.find(({ id }) => id === agent.spec.id) ?? agent.spec
      return [agent.spec.id, nextPermissions({ ...agent, spec }, findProvider(spec.provider), mayWiden).mode]
    }))
  })
