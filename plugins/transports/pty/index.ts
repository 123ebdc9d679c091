import { definePlugin, Effect, Schema } from "reprise/plugin"
import { makePty } from "./driver.ts"

/** Agents live in the process that started them: for machines without tmux, and for programs that embed Reprise. */
export default definePlugin({
  name: "transport-pty",
  api: 1,
  needs: {},
  options: Schema.Struct({}),
  setup: () => Effect.map(makePty, (pty) => ({ transports: { pty } }))
})
