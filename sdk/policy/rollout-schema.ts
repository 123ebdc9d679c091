import * as Schema from "effect/Schema"
import type { Rollout } from "./Rollout.ts"

const healthyForMs = Schema.Number.pipe(Schema.nonNegative())
const patterns = Schema.Array(Schema.String)

/** A rollout as it is written down. */
export const RolloutData: Schema.Schema<Rollout> = Schema.suspend(() =>
  Schema.Union(
    Schema.TaggedStruct("AllAtOnce", {}),
    Schema.TaggedStruct("Rolling", { batch: Schema.Int.pipe(Schema.positive()), healthyForMs }),
    Schema.TaggedStruct("Canary", { agents: patterns, healthyForMs, rest: RolloutData }),
    Schema.TaggedStruct("Sequence", { stages: Schema.Array(patterns), healthyForMs }),
    Schema.TaggedStruct("LeaderLast", { others: RolloutData }),
    Schema.TaggedStruct("DependencyOrder", { healthyForMs })
  )
).annotations({ identifier: "Rollout" })
