import { writeFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { transportOf, transportSuite } from "reprise/testing"
import plugin from "../../plugins/transports/pty/index.ts"

transportSuite("pty", transportOf(plugin, "pty"), {
  // A second opener that can't read who owns the agents knows nothing of them.
  breakQueries: (_driver, { stateDirectory }, open) =>
    Effect.sync(() => writeFileSync(`${stateDirectory}/pty.json`, "{")).pipe(Effect.zipRight(open))
})
