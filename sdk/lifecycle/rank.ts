import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Option from "effect/Option"
import { namePattern, TeamKey } from "../domain/ids.ts"
import type { EventLogError } from "../event-log/errors.ts"
import { EventLog } from "../event-log/EventLog.ts"
import { agentOf } from "../event-log/TeamState.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import { isNarrowest, mayBeWider } from "../session/permissions.ts"
import { HostEnvironment } from "./operation.ts"

/** An agent tried to change the life of its own team; nothing was done. */
export class TeamOwnerMismatch
  extends Schema.TaggedError<TeamOwnerMismatch>("reprise/TeamOwnerMismatch")("TeamOwnerMismatch", {
    team: Schema.String,
    agent: Schema.String
  })
{
  override get message(): string {
    return `This command runs inside ${this.team}/${this.agent}, and an agent can't change the life of its own team. ` +
      "No process was touched. Run it from the leader's terminal."
  }
}

/** Rank holds: fails where the command was started by an agent of the very team, which its environment tells. */
export const demandRank = (team: {
  readonly key: string
  readonly workspace: string
}): Effect.Effect<void, TeamOwnerMismatch, HostEnvironment> =>
  Effect.flatMap(HostEnvironment, (env) => {
    const agent = env["REPRISE_AGENT"]
    return agent !== undefined && env["REPRISE_TEAM"] === team.key && env["REPRISE_WORKSPACE"] === team.workspace
      ? new TeamOwnerMismatch({ team: team.key, agent })
      : Effect.void
  })

/** An agent inside which this command runs: it leads what the command starts. */
export interface Leader {
  readonly name: string
  /** Null where the log of this workspace does not tell. */
  readonly provider: string | null
  readonly permissions: string | null
}

/** The agent whose environment says that this command runs inside it; null where none does. */
export const leaderOf = (workspace: string): Effect.Effect<Leader | null, EventLogError, EventLog | HostEnvironment> =>
  Effect.gen(function*() {
    const env = yield* HostEnvironment
    const [agent, team] = [env["REPRISE_AGENT"], env["REPRISE_TEAM"]]
    if (agent === undefined) return null
    const unknown: Leader = { name: `${team ?? "?"}/${agent}`, provider: null, permissions: null }
    if (team === undefined || !namePattern.test(team) || env["REPRISE_WORKSPACE"] !== workspace) return unknown
    const log = yield* EventLog
    const state = yield* log.state(TeamKey.make(team))
    const found = Option.isNone(state) ? undefined : agentOf(state.value, agent)
    return found === undefined
      ? unknown
      : { ...unknown, provider: found.spawn?.launchContext.provider ?? found.spec.provider, permissions: found.spawn?.launchContext.permissions ?? null }
  })

const named = (mode: string | null): string => mode === null ? "none" : `"${mode}"`

/**
 * Why an agent of this mode may not be started by this leader: it would be allowed more, or whether it would can't be
 * told. The narrowest mode is within any limit, and so is a CLI that knows no modes. Null where it may.
 */
export const aboveLeader = (leader: Leader, provider: Provider, mode: string | null): string | null => {
  if (provider.permissionModes === undefined && mode === null) return null
  const same = leader.provider === provider.name && leader.permissions !== null
  if (isNarrowest(mode, provider) || (same && !mayBeWider(mode, leader.permissions, provider))) return null
  const why = same
    ? `may allow more than that of ${leader.name} (${named(leader.permissions)})`
    : `can't be compared with that of ${leader.name}`
  return `its permission mode ${named(mode)} ${why}, inside which this command runs; ` +
    `give it ${named(provider.permissionModes?.[0] ?? null)}, or have a person start it`
}
