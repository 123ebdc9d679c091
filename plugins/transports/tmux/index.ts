import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { definePlugin } from "reprise/plugin"
import { makeDriver } from "./driver.ts"

/** Agents in tmux: they outlive the process that started them, and a person can attach and look. */
export default definePlugin({
  name: "transport-tmux",
  api: 1,
  needs: { executables: ["tmux", "sh", "env"], env: ["PATH"] },
  options: Schema.Struct({
    /** How long tmux may take to answer before nothing is known. */
    commandTimeoutMs: Schema.optionalWith(Schema.Positive, { default: () => 5000 })
  }),
  setup: (options) => Effect.map(makeDriver(options), (tmux) => ({ transports: { tmux } }))
})
