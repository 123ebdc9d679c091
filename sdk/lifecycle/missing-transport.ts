import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { PluginHost, type PluginMissing, type Transport } from "../plugin/PluginHost.ts"
import { TransportFailure } from "../plugin/transport-driver.ts"

/** A transport in whose place nothing is: each call fails as unreachable, so that whatever lives there is unknown. */
const nothingThere = (missing: PluginMissing): Transport => {
  const detail = missing.message.replace(/\.$/, "")
  const fail = (operation: string) =>
    Effect.fail(new TransportFailure({ transport: missing.name, operation, reason: "Unreachable", detail }))
  return {
    name: missing.name,
    plugin: "",
    capabilities: { survivesCaller: true, exitStatus: false, attach: false },
    attachCommand: null,
    residence: null,
    list: fail("list"),
    events: Stream.fail(new TransportFailure({ transport: missing.name, operation: "events", reason: "Unreachable", detail })),
    spawn: () => fail("spawn"),
    inspect: () => Effect.succeed({ state: "unknown", evidence: detail, exit: null }),
    capture: () => fail("capture"),
    leaveModes: () => fail("leaveModes"),
    paste: () => fail("paste"),
    press: () => fail("press"),
    interrupt: () => fail("interrupt"),
    stop: () => fail("stop")
  }
}

/** The transport for a command that only looks: where its plugin is missing, everything in it is unknown, for that reason. */
export const transportToLook = (name: string): Effect.Effect<Transport, never, PluginHost> =>
  Effect.flatMap(PluginHost, (host) =>
    Effect.catchTag(host.transport(name), "PluginMissing", (missing) => Effect.succeed(nothingThere(missing))))
