import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { HostEnvironment } from "./operation.ts"

/** A setting is not what it has to be; nothing was done. */
export class InvalidSetting extends Schema.TaggedError<InvalidSetting>("reprise/InvalidSetting")("InvalidSetting", {
  name: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.name} is ${JSON.stringify(this.value)}; it must be ${this.expected}. Nothing was done.`
  }
}

/** A whole number of milliseconds from the environment, or its default. */
export const millisecondsFrom = (
  name: string,
  standard: number,
  lowest = 0
): Effect.Effect<number, InvalidSetting, HostEnvironment> =>
  Effect.flatMap(HostEnvironment, (env) => {
    const value = env[name]
    if (value === undefined) return Effect.succeed(standard)
    const number = Number(value)
    return /^\d+$/.test(value.trim()) && Number.isSafeInteger(number) && number >= lowest
      ? Effect.succeed(number)
      : new InvalidSetting({ name, value, expected: `a whole number of milliseconds, at least ${lowest}` })
  })

/** The seconds that `--session-converge-deadline` takes, as milliseconds. */
export const secondsAsMilliseconds = (name: string, value: string): Effect.Effect<number, InvalidSetting> => {
  const seconds = Number(value)
  return /^(\d+(\.\d+)?|\.\d+)$/.test(value.trim()) && Number.isFinite(seconds) && seconds <= 86_400
    ? Effect.succeed(Math.round(seconds * 1000))
    : new InvalidSetting({ name, value, expected: "a number of seconds, from 0 to 86400" })
}

/** How long a policy's file may take until it has loaded. */
export const policyLoadWithin = millisecondsFrom("REPRISE_POLICY_LOAD_DEADLINE_MS", 30_000, 1)

/** How long things may take, in milliseconds. */
export interface Deadlines {
  readonly convergeWithinMs: number
  readonly convergePollMs: number
  readonly readyWithinMs: number
  readonly graceMs: number
}

/** The deadlines as the environment sets them, else the defaults. */
export const deadlines: Effect.Effect<Deadlines, InvalidSetting, HostEnvironment> = Effect.all({
  convergeWithinMs: millisecondsFrom("REPRISE_SESSION_CONVERGE_DEADLINE_MS", 12_000),
  convergePollMs: millisecondsFrom("REPRISE_SESSION_CONVERGE_POLL_MS", 250, 1),
  readyWithinMs: millisecondsFrom("REPRISE_READY_DEADLINE_MS", 30_000, 1),
  graceMs: millisecondsFrom("REPRISE_STOP_GRACE_MS", 2_000)
})
