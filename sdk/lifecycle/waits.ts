import type { AgentFailure, FailureKind } from "../domain/failure.ts"
import type { ProcessExit } from "../domain/pane.ts"
import type { AgentState } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"

/** A usage limit or a login is a wait, and no crash. */
export const waits: ReadonlySet<FailureKind> = new Set<FailureKind>(["usage_limit", "auth"])

/** Until when it lasts, in milliseconds since the epoch: without an end of its own it is for a person to see to. */
export const waitsUntil = ({ retryAt }: AgentFailure): number => retryAt === null ? Infinity : Date.parse(retryAt) || 0

/**
 * Why an agent can't work, where that is a wait: by its last failure or by how its process ended, whichever lasts longer.
 * Null where neither says so.
 */
export const waitOf = (
  { failure, phase }: Pick<AgentState, "failure" | "phase">,
  exit: ProcessExit | null,
  provider: Provider | undefined
): AgentFailure | null => {
  const said = [phase === "failed" ? failure : null, exit === null ? null : provider?.explainExit({ exit, lines: [] }) ?? null]
  return said.reduce((before, one) =>
    one === null || !waits.has(one.kind) || (before !== null && waitsUntil(before) >= waitsUntil(one)) ? before : one, null)
}

/** What the history is told of an end that is a wait. */
export const endedFor = (
  agent: Pick<AgentState, "failure" | "phase">,
  exit: ProcessExit | null,
  provider: Provider | undefined
): { readonly kind?: FailureKind } => {
  const wait = waitOf(agent, exit, provider)
  return wait === null ? {} : { kind: wait.kind }
}
