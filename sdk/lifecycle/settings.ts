import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { isAbsolute } from "node:path"
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

/** A day: a timer of more than 24.8 days would end at once. */
const longestMs = 86_400_000

const limits = {
  REPRISE_SESSION_CONVERGE_DEADLINE_MS: { standard: 12_000, lowest: 0 },
  REPRISE_SESSION_CONVERGE_POLL_MS: { standard: 250, lowest: 1 },
  REPRISE_READY_DEADLINE_MS: { standard: 30_000, lowest: 1 },
  REPRISE_POLICY_LOAD_DEADLINE_MS: { standard: 30_000, lowest: 1 },
  REPRISE_STOP_GRACE_MS: { standard: 2_000, lowest: 0 }
} as const
type Setting = keyof typeof limits

const readMilliseconds = (name: Setting, value: string | undefined): Either.Either<number, InvalidSetting> => {
  const { lowest, standard } = limits[name]
  if (value === undefined) return Either.right(standard)
  const number = Number(value)
  return /^\d+$/.test(value.trim()) && number >= lowest && number <= longestMs
    ? Either.right(number)
    : Either.left(new InvalidSetting({ name, value, expected: `a whole number of milliseconds, from ${lowest} to ${longestMs}` }))
}

/** A whole number of milliseconds from the environment, or its default. */
const millisecondsFrom = (name: Setting): Effect.Effect<number, InvalidSetting, HostEnvironment> =>
  Effect.flatMap(HostEnvironment, (env) => readMilliseconds(name, env[name]))

/** The settings of this environment that are wrong, whether what is done next reads them or not. */
export const invalidSettings = (env: Readonly<Record<string, string | undefined>>): ReadonlyArray<InvalidSetting> => {
  const cache = env["REPRISE_CACHE_DIR"]
  return [
    ...Record.keys(limits).flatMap((name) => Option.toArray(Either.getLeft(readMilliseconds(name, env[name])))),
    ...cache === undefined || isAbsolute(cache)
      ? []
      : [new InvalidSetting({ name: "REPRISE_CACHE_DIR", value: cache, expected: "an absolute path" })]
  ]
}

/** The seconds that `--session-converge-deadline` takes, as milliseconds. */
export const secondsAsMilliseconds = (name: string, value: string): Effect.Effect<number, InvalidSetting> => {
  const seconds = Number(value)
  return /^(\d+(\.\d+)?|\.\d+)$/.test(value.trim()) && Number.isFinite(seconds) && seconds <= 86_400
    ? Effect.succeed(Math.round(seconds * 1000))
    : new InvalidSetting({ name, value, expected: "a number of seconds, from 0 to 86400" })
}

/** How long a policy's file may take until it has loaded. */
export const policyLoadWithin = millisecondsFrom("REPRISE_POLICY_LOAD_DEADLINE_MS")

/** How long things may take, in milliseconds. */
export interface Deadlines {
  readonly convergeWithinMs: number
  readonly convergePollMs: number
  readonly readyWithinMs: number
  readonly graceMs: number
}

/** The deadlines as the environment sets them, else the defaults. */
export const deadlines: Effect.Effect<Deadlines, InvalidSetting, HostEnvironment> = Effect.all({
  convergeWithinMs: millisecondsFrom("REPRISE_SESSION_CONVERGE_DEADLINE_MS"),
  convergePollMs: millisecondsFrom("REPRISE_SESSION_CONVERGE_POLL_MS"),
  readyWithinMs: millisecondsFrom("REPRISE_READY_DEADLINE_MS"),
  graceMs: millisecondsFrom("REPRISE_STOP_GRACE_MS")
})
