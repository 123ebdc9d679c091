import { spawnSync } from "node:child_process"
import * as Effect from "effect/Effect"
import { endProcessTree, readProcess } from "reprise/plugin"
import { transportOf, transportSuite, type TransportPlace } from "reprise/testing"
import plugin from "../../plugins/transports/tmux/index.ts"

const tmux = (place: TransportPlace, ...args: ReadonlyArray<string>) =>
  Effect.sync(() => spawnSync("tmux", ["-S", `${place.runtimeDirectory}/tmux`, ...args], { encoding: "utf8", timeout: 10_000 }))

/** The server of this check, by pid and start time; null when there is none. */
const server = (place: TransportPlace) =>
  Effect.gen(function*() {
    const pid = Number((yield* tmux(place, "list-sessions", "-F", "#{pid}")).stdout.split("\n")[0])
    const reading = yield* readProcess(pid)
    return reading.state === "alive" ? reading : null
  })

transportSuite("tmux", transportOf(plugin, "tmux", { commandTimeoutMs: 5000 }), {
  skip: spawnSync("tmux", ["-V"]).status === 0 ? null : "there is no tmux on this machine",
  // A server that is stopped answers nothing, and is there all the same.
  breakQueries: (driver, place) =>
    Effect.acquireRelease(
      server(place).pipe(Effect.tap((found) => Effect.sync(() => found && process.kill(found.pid, "SIGSTOP")))),
      (found) => Effect.sync(() => found && process.kill(found.pid, "SIGCONT"))
    ).pipe(Effect.as(driver)),
  cleanUp: (place) =>
    Effect.flatMap(server(place), (found) => found === null ? Effect.void : Effect.asVoid(endProcessTree(found, 0)))
})
