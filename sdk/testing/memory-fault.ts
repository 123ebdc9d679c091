import type { ProcessExit } from "../domain/pane.ts"
import type { TransportFailure } from "../plugin/transport-driver.ts"

export type MemoryOperation =
  | "spawn"
  | "list"
  | "inspect"
  | "capture"
  | "leaveModes"
  | "paste"
  | "press"
  | "interrupt"
  | "stop"

/** What goes wrong in one call of an operation. */
export type OperationFault =
  /** The call does nothing and fails. For `inspect`, the state is unknown. */
  | { readonly fault: "fail"; readonly reason?: TransportFailure["reason"]; readonly detail?: string }
  /** Nothing is known: `Unreachable`, or the state `unknown`. */
  | { readonly fault: "unknown" }
  | { readonly fault: "slow"; readonly millis: number }
  /** The call does all its work, and its answer never comes back. */
  | { readonly fault: "answer_lost" }
  /** Before the call the home goes away with all its processes, but for those of the named agents. */
  | { readonly fault: "home_vanishes"; readonly survivors?: ReadonlyArray<string> }
  /** Before the call the agent's process ends and something foreign gets its place and its id. */
  | { readonly fault: "foreign_takes"; readonly agent: string }
  /** Before the call the agent's process ends and no event says so. */
  | { readonly fault: "dies_silently"; readonly agent: string; readonly exit?: ProcessExit }
  /** For `stop`: nothing ends, and the report says who is left. */
  | { readonly fault: "survives" }

/**
 * A fault as data: what goes wrong, and at which call of which operation (counted from 1). Events are counted as they
 * would be sent.
 */
export type MemoryFault =
  | ({ readonly on: MemoryOperation; readonly call: number | "every" } & OperationFault)
  | { readonly on: "event"; readonly call: number | "every"; readonly fault: "lose" | "duplicate" }

const isOperationFault = (fault: MemoryFault): fault is Exclude<MemoryFault, { readonly on: "event" }> =>
  fault.on !== "event"

/** The faults that strike one call of an operation. */
export const operationFaults = (faults: ReadonlyArray<MemoryFault>, on: MemoryOperation, call: number) =>
  faults.filter(isOperationFault).filter((fault) => fault.on === on && (fault.call === "every" || fault.call === call))

/** How many times the event with this number is sent. */
export const eventCopies = (faults: ReadonlyArray<MemoryFault>, call: number): 0 | 1 | 2 => {
  const struck = faults.find((fault) => fault.on === "event" && (fault.call === "every" || fault.call === call))
  return struck === undefined ? 1 : struck.fault === "lose" ? 0 : 2
}
