import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { TransportCapabilities } from "../plugin/transport-driver.ts"
import type { Ground, TransportSuiteOptions } from "./transport-ground.ts"

/** One promise of the contract, and how it is checked. */
export interface TransportRule {
  readonly name: string
  /** Whether a transport with these capabilities makes the promise; all do without it. */
  readonly applies?: (capabilities: TransportCapabilities, options: TransportSuiteOptions) => boolean
  /** Only where there are real processes. */
  readonly real?: true
  readonly run: (
    ground: Ground,
    options: TransportSuiteOptions
  ) => Effect.Effect<void, unknown, Scope.Scope | FileSystem.FileSystem>
}
