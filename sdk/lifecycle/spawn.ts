import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { dirname, join } from "node:path"
import type { SpawnMode } from "../domain/event.ts"
import type { AgentFailure } from "../domain/failure.ts"
import { SpawnToken } from "../domain/ids.ts"
import type { AgentSpec, LaunchContext } from "../domain/team.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { agentOf, type AgentState, type TeamState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"
import type { SpawnRequest } from "../plugin/transport-driver.ts"
import { launchContextOf, type OnDrift, spawnEnvironment, specForSpawn } from "../session/launch-context.ts"
import { transcriptPathOf } from "../session/locate-transcript.ts"
import { wasAnothers } from "../session/changed-provider.ts"
import { resolveSpec, type SecretLack } from "../session/agent-environment.ts"
import { missingLogin } from "../session/login.ts"
import { providerAgent } from "../session/provider-agent.ts"
import { HostEnvironment } from "./operation.ts"
import { meantPermissions } from "../session/permissions.ts"

/** Everything that a spawn will be, decided before its intent is written. */
export interface SpawnPlan {
  readonly token: SpawnToken
  readonly mode: SpawnMode
  readonly generation: number
  /** The session that the process is to have; null where the provider chooses. */
  readonly sessionId: string | null
  readonly transcript: string | null
  readonly agent: ProviderAgent
  readonly launchContext: LaunchContext
  readonly request: SpawnRequest
  readonly files: ReadonlyArray<{ readonly path: string; readonly content: string }>
}

/** A start that would come up without what it needs is none. */
const lacking = (lacks: ReadonlyArray<SecretLack>): AgentFailure => ({
  kind: "auth",
  reason: `It was not started: ${lacks.map(({ why }) => why).join("; ")}.`,
  retryable: false,
  retryAt: null
})

/** What the environment file gave at the last start and does not give any more. */
const lostFromFile = (then: LaunchContext | undefined, { envFile }: AgentSpec, env: Readonly<Record<string, string>>): SecretLack | null => {
  const lost = (then?.envFileNames ?? []).filter((name) => (env[name] ?? "") === "")
  return lost.length === 0 ? null : {
    code: "secret_missing",
    why: `${lost.join(", ")} came from its env_file at its last start and ${envFile === undefined ? "it has no env_file now" : `is not in ${envFile} any more`}`
  }
}

/** The spawn whose place, account and conversation a next one takes over: its own, or that of the agent it is a copy of. */
export const spawnBefore = (team: TeamState, agent: AgentState): AgentState["spawn"] =>
  agent.spawn ?? (agent.forkOf === null ? null : agentOf(team, agent.forkOf.agent)?.spawn ?? null)

/** Where an agent's own files are kept between spawns. */
const stateDirectory = (team: TeamState, agent: string): string =>
  join(team.workspace, ".reprise", "teams", team.key, "agents", agent)

/** A spawn that is laid out, and what of the login or the secrets of the start before it would lack. */
export interface LaidOut {
  readonly plan: SpawnPlan
  readonly lack: SecretLack | null
}

/**
 * Lays out a spawn. Fails as an `AgentFailure` where the provider can't say how, or a secret or login that the start before
 * had is missing; nothing was started then.
 */
export const planSpawn = (
  team: TeamState,
  agent: AgentState,
  provider: Provider,
  mode: "fresh" | "resume",
  onDrift: OnDrift
): Effect.Effect<SpawnPlan, AgentFailure, EventLog | HostEnvironment | FileSystem.FileSystem> =>
  Effect.flatMap(layOutSpawn(team, agent, provider, mode, onDrift), ({ lack, plan }) =>
    lack === null ? Effect.succeed(plan) : Effect.fail(lacking([lack])))

/** Lays a spawn out, also one that would lack its login. */
export const layOutSpawn = (
  team: TeamState,
  agent: AgentState,
  provider: Provider,
  mode: "fresh" | "resume",
  onDrift: OnDrift
): Effect.Effect<LaidOut, AgentFailure, EventLog | HostEnvironment | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const host = yield* HostEnvironment
    const asked = specForSpawn(agent, onDrift)
    const { fileNames, lacks, secrets, spec: resolved } = yield* resolveSpec(asked, host)
    if (lacks.length > 0) return yield* Effect.fail(lacking(lacks))
    // Left to itself, a CLI takes the mode of its user's settings.
    const spec = { ...resolved, permissions: meantPermissions(asked, provider) }
    const assigned = mode === "resume"
      ? agent.session?.id ?? null
      : provider.capabilities.preassignedSession
      ? yield* Effect.sync(() => randomUUID())
      : null
    // A conversation is copied where its own home is.
    const copied = agent.forkOf === null ? null : agentOf(team, agent.forkOf.agent)?.spawn ?? null
    const own = providerAgent(team, spec, agent.spawn)
    const subject = { ...own, configHome: own.configHome ?? providerAgent(team, spec, copied).configHome }
    // Until it has a conversation of its own, a fork begins as the copy that it is meant to be.
    const source = mode === "fresh" ? agent.forkOf?.sessionId ?? null : null
    const kind: SpawnMode = source === null ? mode : "fork"
    const command = yield* provider.command({
      mode: kind,
      agent: subject,
      sessionId: assigned,
      sourceSessionId: source,
      stateDirectory: stateDirectory(team, spec.id)
    }).pipe(Effect.mapError((error): AgentFailure => ({
      kind: "unknown",
      reason: error.message,
      retryable: false,
      retryAt: null
    })))
    const sessionId = command.expectedSession === undefined ? assigned : command.expectedSession
    const token = yield* Effect.sync(() => SpawnToken.make(randomUUID()))
    const generation = agent.generation + 1
    const made = yield* Effect.orElseSucceed((yield* EventLog).identity, () => null)
    const identity = { team: team.key, workspace: team.workspace, workspaceId: made?.id ?? null, generation }
    const env = spawnEnvironment(host, spec, command, identity, provider.scrubbed ?? [], provider.kept)
    const then = wasAnothers(agent) ? undefined : spawnBefore(team, agent)?.launchContext
    const lack = lostFromFile(then, spec, env) ?? missingLogin(then, spec, subject, env, provider.login)
    const plan: SpawnPlan = {
      token,
      mode: kind,
      generation,
      sessionId,
      transcript: yield* transcriptPathOf(provider, subject, sessionId),
      agent: subject,
      launchContext: launchContextOf(spec, command, env, { login: provider.login?.(subject, env), fileNames, secrets }),
      request: { team: team.key, agent: spec.id, generation, spawn: token, argv: command.argv, cwd: spec.cwd, env },
      files: command.files
    }
    return { plan, lack }
  })

/** Writes the files that a command needs, readable by their owner only. */
export const writeSpawnFiles = (plan: SpawnPlan): Effect.Effect<void, AgentFailure, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    for (const { content, path } of plan.files) {
      yield* files.makeDirectory(dirname(path), { recursive: true, mode: 0o700 })
      yield* files.writeFileString(path, content, { mode: 0o600 })
    }
  }).pipe(Effect.mapError((error): AgentFailure => ({
    kind: "unknown",
    reason: `A file that the command needs could not be written: ${error.message}`,
    retryable: true,
    retryAt: null
  })))
