import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentFailure } from "../domain/failure.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { resumability } from "../session/resumability.ts"
import { ownProcesses } from "./observe.ts"
import type { AgentPlan } from "./plan.ts"
import type { SpawnPlan } from "./spawn.ts"

const changed = (kind: AgentFailure["kind"], why: string): AgentFailure => ({
  kind,
  reason: `Its conversation can't be continued any more: ${why}. It was left as it is.`,
  retryable: kind === "unknown",
  retryAt: null
})

/**
 * Fails where a conversation that was to be continued can't be since that was decided: gates and other agents take their
 * time, and meanwhile a file may go or a person open it. To be asked before the old process is touched.
 */
export const stillResumable = (
  provider: Provider,
  spawn: SpawnPlan,
  { facts: { agent }, observation }: AgentPlan<unknown, unknown>
): Effect.Effect<void, AgentFailure, FileSystem.FileSystem> =>
  spawn.mode !== "resume" ? Effect.void : Effect.gen(function*() {
    const answer = yield* resumability(agent.session, spawn.agent, provider, ownProcesses(agent, observation))
    if (answer._tag === "Resumable") return
    const kind = answer._tag === "NotResumable" && answer.code !== "session_held" ? "missing_transcript" : "unknown"
    return yield* Effect.fail(changed(kind, answer.why))
  })
