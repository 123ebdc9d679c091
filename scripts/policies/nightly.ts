// nightly.ts: a restart for the small hours, from cron, so that agents take up a new version of their CLI. Not while
// somebody is at work, nor on a machine that is short of memory; one after the other, and the first that is not well ends it.
//
//   PATH=/home/ada/.local/bin:/usr/local/bin:/usr/bin:/bin
//   30 3 * * *  cd /home/ada/work && reprise restart --policy nightly.ts --yes
//
// cron gives a command little more than HOME and PATH: name in PATH where reprise and the CLIs are, and set the variables
// of their logins before (`. ./login.sh &&`). Where one is missing, the restart is refused and no process is touched.
import { Effect, type Facts, Policy, Rollout, Schema, Status } from "reprise"
import { freemem } from "node:os"

class NotTonight extends Schema.TaggedError<NotTonight>()("NotTonight", { why: Schema.String }) {
  override get message() {
    return `Not tonight: ${this.why}. No process was touched.`
  }
}

const megabytes = () => Math.round(freemem() / 1e6)

// A gate is passed before anything is touched. What it succeeds with is kept in the log.
const roomEnough = Effect.suspend(() =>
  megabytes() < 256 ? new NotTonight({ why: `${megabytes()} MB are free` }) : Effect.succeed(`${megabytes()} MB are free`))

const statusOf = ({ agent, team }: Facts) =>
  Effect.map(Status.status(team), ({ agents }) => agents.find(({ id }) => id === agent.spec.id)?.status ?? "unknown")

// What can't be told is no rest: unknown speaks against it like everything else.
const atRest = (facts: Facts) =>
  Effect.flatMap(statusOf(facts), (status) =>
    status === "idle" ? Effect.succeed("it is idle") : new NotTonight({ why: `${facts.agent.spec.id} is ${status}` }))

export default Policy.resume.pipe(
  // Whoever does not live is left for the day: somebody may want to look at it.
  Policy.when(({ life }) => life !== "alive", Policy.skip("it does not live"), "it is not proved alive"),
  Policy.withGate("memory is left", roomEnough),
  Policy.withGate("at rest", atRest),
  // Looked at again once it is back: it waits for work, or it has failed and the ones after it are not touched.
  Policy.verify(atRest, "waits for work"),
  Policy.rollout(Rollout.rolling({ batch: 1, healthyFor: "3 seconds" }))
)
