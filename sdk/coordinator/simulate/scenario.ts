import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Strategy } from "../../domain/event.ts"
import { kindOf } from "../../spec/team-file-schema.ts"

// What may stand in a scenario. The messages are the ends of sentences that begin with a place and a path.

const expected = (what: string) => (issue: { readonly actual: unknown }): string => `expected ${what}, found ${kindOf(issue.actual)}`
const told = (what: string) => ({
  message: (issue: { readonly actual: unknown }) => ({ message: expected(what)(issue), override: true })
})

/** A share of a day or of a million years; what is longer could not be counted in dates. */
const longestMs = 3e10

const timeOf = (text: string): number | null =>
  /^\d/.test(text) ? Option.getOrNull(Option.map(Duration.decodeUnknown(text), Duration.toMillis)) : null

const oneOf = <const Words extends readonly [string, ...Array<string>]>(...words: Words) =>
  Schema.Literal(...words).annotations({ message: () => ({ message: `must be one of ${words.join(", ")}`, override: true }) })

const Flag = Schema.Boolean.annotations(told("true or false"))

/** A time in words, "90 seconds" or "2 hours"; milliseconds inside. */
export const Span = Schema.transform(
  Schema.String.pipe(Schema.filter((text) => (timeOf(text) ?? Infinity) <= longestMs)).annotations({
    message: ({ actual }) => ({
      message: typeof actual === "string"
        ? `${JSON.stringify(actual)} is no time; write one such as "90 seconds", "20 minutes" or "2 hours"`
        : expected("a time such as \"90 seconds\" or \"2 hours\"")({ actual }),
      override: true
    })
  }),
  Schema.Number.pipe(Schema.filter((ms) => ms >= 0 && ms <= longestMs, { message: () => `must be a time, from 0 to ${longestMs} milliseconds` })),
  { strict: true, decode: (text) => timeOf(text) ?? 0, encode: (ms) => `${ms} millis` }
)

/** More than nothing: what recurs after no time at all never lets anything else happen. */
const LongSpan = Span.pipe(Schema.filter((ms) => ms >= 1, { message: () => "must be at least a millisecond" }))

const Chance = Schema.Number.annotations(told("a number from 0 to 1")).pipe(
  Schema.filter((chance) => chance >= 0 && chance <= 1, { message: ({ actual }) => `expected a number from 0 to 1, found ${String(actual)}` })
)

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })
const listOf = <A, I>(schema: Schema.Schema<A, I>, what: string) => Schema.Array(schema).annotations({ message: expected(what) })

/** An agent's id or a glob, or several of them. */
const Whom = Schema.Union(Schema.String, Schema.Array(Schema.String)).annotations(told("an agent's id, a glob, or a list of them"))
const whom = { agents: optional(Whom) }

const ScenarioAgent = Schema.Struct({
  role: optional(Schema.NullOr(Schema.String)),
  provider: optional(Schema.NonEmptyString),
  /** Names what it logs in with; by default all of a provider share one. */
  login: optional(Schema.NonEmptyString),
  paused: optional(Flag),
  /** Whether it holds a conversation, or when it is first spoken to. */
  spoken: optional(Schema.Union(Schema.Boolean, Span).annotations(told("true, false or a time"))),
  /** When its CLI writes a conversation down: most do so with the first word. */
  written: optional(Schema.Literal("at-start", "at-first-message").annotations(told("\"at-start\" or \"at-first-message\""))),
  dependsOn: optional(Schema.Array(Schema.String))
}).annotations({ message: expected("a mapping of the agent's keys") })
export type ScenarioAgent = typeof ScenarioAgent.Type

const DeathRule = Schema.Union(
  Schema.Struct({ ...whom, distribution: Schema.Literal("exponential"), mean: LongSpan }),
  Schema.Struct({
    ...whom,
    distribution: Schema.Literal("weibull"),
    scale: LongSpan,
    shape: Schema.Number.annotations(told("a positive number")).pipe(Schema.filter((shape) => shape > 0.01 && shape < 100, { message: () => "must be more than 0.01 and less than 100" }))
  }),
  /** Each life lasts so long. */
  Schema.Struct({ ...whom, distribution: Schema.Literal("fixed"), every: LongSpan }),
  /** At these times, whoever lives then; `ended` says that it was told to. */
  Schema.Struct({
    ...whom,
    distribution: Schema.Literal("at"),
    times: listOf(Span, "a list of times"),
    how: optional(oneOf("crash", "ended"))
  })
)
export type DeathRule = typeof DeathRule.Type

const During = { from: optional(Span), until: optional(Span) }

const StartRule = Schema.Struct({
  ...whom,
  ...During,
  chance: optional(Chance),
  /** How long it takes: so long, from so long to so long, or the first so long, the second so long, and so on. */
  takes: optional(Schema.Union(Span, Schema.Struct({ from: Span, to: Span }), Schema.NonEmptyArray(Span)).annotations(
    told("a time, { from, to }, or a list of times")
  )),
  fails: optional(oneOf("crash", "not_ready", "bad_flags", "missing_binary", "resume_mismatch", "unknown"))
})
export type StartRule = typeof StartRule.Type

const LossRule = Schema.Union(
  /** With each death. */
  Schema.Struct({ ...whom, chance: Chance }),
  Schema.Struct({ ...whom, at: Span })
)
export type LossRule = typeof LossRule.Type

const Outage = Schema.Struct({
  provider: optional(Schema.NonEmptyString),
  from: Span,
  until: Span,
  kind: optional(oneOf("usage_limit", "auth")),
  /** Whether the CLI says when it ends. */
  saysUntil: optional(Flag),
  /** Whether it also ends the agents that were at work. */
  ends: optional(Flag)
}).pipe(Schema.filter(({ from, until }) => until > from ? undefined : { path: ["until"], message: "must be later than from" }))
export type Outage = typeof Outage.Type

/** `dead`: only those that are dead then. */
const wish = { ...whom, dead: optional(Flag) }
const PersonsRestart = Schema.Union(
  Schema.Struct({ ...wish, at: Span }),
  Schema.Struct({ ...wish, every: LongSpan })
)

/** A situation to play policies in: who there is, and what befalls them. One Schema for the typed value and for the file. */
export const Scenario = Schema.Struct({
  name: optional(Schema.String),
  /** How long it goes on. */
  horizon: LongSpan,
  agents: Schema.Record({ key: Schema.String, value: ScenarioAgent }).annotations({
    message: expected("a mapping of ids to agents (coder-1: { provider: claude })")
  }),
  starts: optional(listOf(StartRule, "a list of rules")),
  deaths: optional(listOf(DeathRule, "a list of rules")),
  lostTranscripts: optional(listOf(LossRule, "a list of rules")),
  outages: optional(listOf(Outage, "a list of outages")),
  /** What a person restarts, all of the team by default. */
  restarts: optional(listOf(PersonsRestart, "a list of restarts")),
  /** When the machine goes down and comes up again. */
  reboots: optional(listOf(Span, "a list of times")),
  supervise: optional(oneOf(...Strategy.literals, "off")),
  /** After so long a time at work, what was before counts in no back-off any more. */
  stableFor: optional(Span),
  /** How long a person takes to answer; without it nobody does. */
  answersAfter: optional(Span)
}).annotations({ message: expected("a mapping with the keys horizon and agents") })
export type Scenario = typeof Scenario.Type

/** A scenario as somebody writes it: times in words. */
export type ScenarioInput = typeof Scenario.Encoded

export const scenarioKeys: ReadonlyArray<string> = Object.keys(Scenario.fields)

/** Every pattern that a rule names agents by, with where it stands. */
export const patternsOf = (scenario: Scenario): ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly pattern: string }> => {
  const rules = { starts: scenario.starts, deaths: scenario.deaths, lostTranscripts: scenario.lostTranscripts, restarts: scenario.restarts }
  return Object.entries(rules).flatMap(([key, list = []]) =>
    list.flatMap(({ agents }, index) =>
      (typeof agents === "string" ? [agents] : agents ?? []).map((pattern) => ({ path: [key, String(index), "agents"], pattern }))))
}
