import * as Context from "effect/Context"
import { bootId, sameBoot } from "../domain/boot.ts"
import type { BootDecision } from "../domain/event.ts"
import type { TeamState } from "../event-log/TeamState.ts"
import type { TeamPolicy } from "../policy/TeamPolicy.ts"

/** The id of the machine's present boot; null where the host has none. A simulated machine has its own. */
export class HostBoot extends Context.Reference<HostBoot>()("reprise/HostBoot", {
  defaultValue: (): string | null => bootId() || null
}) {}

/** What follows the boot that triggered a restart. */
export interface BootAnswer {
  readonly id: string | null
  /** `ask`: the gates of the policy decide when the plan is carried out. */
  readonly decision: BootDecision | "ask"
  readonly why: string
  /** Whether it is to be written down: it is new, and it is an answer. */
  readonly record: boolean
}

/** Decides once for each boot, and keeps to it. What a user stopped stays stopped, and unknown brings nothing back. Pure. */
export const answerBoot = (policy: TeamPolicy<unknown, unknown>, team: TeamState, boot: string | null): BootAnswer => {
  const hold = (why: string, record = false): BootAnswer => ({ id: boot, decision: "hold", why, record })
  if (team.stopped) return hold("the team was stopped before the machine came up again")
  if (boot === null) return hold("which boot of the machine this is can't be told")
  if (team.boot !== null && sameBoot(team.boot.id, boot)) {
    return { id: boot, decision: team.boot.decision, why: `decided for this boot at ${team.boot.at}`, record: false }
  }
  switch (policy.onBoot) {
    case "resume":
      return { id: boot, decision: "resume", why: "the policy brings the team back after a boot", record: true }
    case "hold":
      return hold("the policy leaves the team as it is after a boot", true)
    case "ask":
      return policy.bootGates.length === 0
        ? hold("the machine came up again, and there was no one to ask; reprise supervise --on-boot resume brings the team back by itself")
        : { id: boot, decision: "ask", why: "the policy asks after a boot", record: true }
  }
}
