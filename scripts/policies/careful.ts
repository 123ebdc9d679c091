// careful.ts: to each agent its own, starts that are tried again, an end to restarting, and a person who is asked first.
// It may leave the scribe's conversation behind, and says so: without the grant nothing is touched.
//
//   reprise restart --policy scripts/policies/careful.ts --grant discard-context="the scribe keeps its notes in files"
import { Policy, Schedule } from "reprise"

// 200 ms, then twice as long each time: at most four tries after the first, and only where another try can help.
const stubborn = Policy.withBackoff(Schedule.exponential("200 millis"), { times: 4 })

export default Policy.perAgent({
  // An id comes before a glob, and the glob with more letters before the one with fewer.
  scribe: Policy.resume.pipe(Policy.orElse(Policy.fresh)),
  "coder-*": Policy.resume.pipe(Policy.orElse(Policy.freshIfNeverMessaged), stubborn)
}, { otherwise: Policy.resume }).pipe(
  // Counted in the log, a person's restarts too. Whoever needs a fourth within ten minutes has another problem.
  Policy.withBudget({ restarts: 3, per: "10 minutes", exceeded: Policy.escalate("leader") }),
  // Asked at the terminal once all is decided and shown; without a terminal nothing is approved.
  Policy.withApproval("restart the whole team?")
)
