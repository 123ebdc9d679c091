// default.ts: what `reprise restart` does by itself, written out; a place to begin from. It drops no conversation, so it
// asks for no grant.
//
//   reprise restart --policy scripts/policies/default.ts --dry-run
import { Policy, Rollout } from "reprise"

export default Policy.resume.pipe(
  // Only where the conversation can't be continued, and only who was proved never to have been spoken to.
  Policy.orElse(Policy.freshIfNeverMessaged),
  // How long to wait for conversations that are not known yet, and whether the log may help.
  Policy.convergeWithin("12 seconds"),
  Policy.repairFromLog(true),
  // An agent comes back as it last ran, also where the team file was changed since.
  Policy.onDrift("keep"),
  // After a boot of the machine nobody is started until a person says so.
  Policy.onBoot("hold"),
  Policy.rollout(Rollout.allAtOnce)
)
