import { circleAmong } from "../../domain/task.ts"
import { matches } from "../../policy/pattern.ts"
import { closest } from "../../spec/suggestion.ts"
import { patternsOf, type Scenario } from "./scenario.ts"

/** One thing that is wrong with a scenario, the end of a sentence that begins with its path. */
export interface Issue {
  readonly path: ReadonlyArray<string>
  readonly of: "key" | "value"
  readonly problem: string
}

const wrong = (path: ReadonlyArray<string | number>, problem: string): Issue => ({ path: path.map(String), of: "value", problem })

/** A rule that means nobody is a rule that is misspelt. */
const strangers = (scenario: Scenario): ReadonlyArray<Issue> => {
  const ids = Object.keys(scenario.agents)
  const providers = Object.values(scenario.agents).map(({ provider = "fake" }) => provider)
  const named = Object.entries(scenario.agents).flatMap(([id, { dependsOn = [] }]) =>
    dependsOn.flatMap((other, index) => {
      const near = closest(other, ids)
      return ids.includes(other)
        ? []
        : [wrong(["agents", id, "dependsOn", index], `there is no agent ${JSON.stringify(other)}${near === undefined ? "" : `, did you mean "${near}"?`}`)]
    }))
  return [
    ...named,
    ...patternsOf(scenario).flatMap(({ path, pattern }) =>
      ids.some((id) => matches(pattern, id)) ? [] : [wrong(path, `${JSON.stringify(pattern)} means no agent`)]),
    ...(scenario.outages ?? []).flatMap(({ provider }, index) =>
      provider === undefined || providers.includes(provider)
        ? []
        : [wrong(["outages", index, "provider"], `no agent has the provider ${JSON.stringify(provider)}`)])
  ]
}

const circle = ({ agents }: Scenario): ReadonlyArray<Issue> => {
  const found = circleAmong(Object.entries(agents).map(([id, { dependsOn = [] }]) => ({ id, deps: dependsOn })))
  const [first] = found ?? []
  return found === null || first === undefined
    ? []
    : [wrong(["agents", first, "dependsOn"], `none of these can come before the others: ${found.join(" -> ")}`)]
}

/** Rules that could never apply, or would make a start take less than no time. */
const backwards = ({ starts = [] }: Scenario): ReadonlyArray<Issue> =>
  starts.flatMap(({ from = 0, takes, until = Infinity }, index) => [
    ...until > from ? [] : [wrong(["starts", index, "until"], "must be later than from")],
    ...typeof takes === "object" && "from" in takes && takes.to < takes.from
      ? [wrong(["starts", index, "takes", "to"], "must not be shorter than from")]
      : []
  ])

/** What the shape of a scenario alone can't say. Pure. */
export const nonsense = (scenario: Scenario): ReadonlyArray<Issue> =>
  Object.keys(scenario.agents).length === 0
    ? [wrong(["agents"], "names nobody; there is nothing to play without an agent")]
    : [...strangers(scenario), ...circle(scenario), ...backwards(scenario)]
