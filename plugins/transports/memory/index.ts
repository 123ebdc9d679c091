import { definePlugin, Effect, Schema } from "reprise/plugin"
import { makeMemoryTransport } from "reprise/testing"

/** A world without processes, for trying things out: its agents say `ready>` and echo, and end with their caller. */
export default definePlugin({
  name: "transport-memory",
  api: 1,
  needs: {},
  options: Schema.Struct({}),
  setup: () =>
    makeMemoryTransport({ capabilities: { survivesCaller: false } }).pipe(
      Effect.map(({ driver }) => ({ transports: { memory: driver } }))
    )
})
