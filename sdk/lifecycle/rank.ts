import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
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
