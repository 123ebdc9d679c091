import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import * as Schema from "effect/Schema"
import type { PaneIdentity, ProcessExit } from "../domain/pane.ts"
import type { SpawnToken } from "../domain/ids.ts"

// What the author of a transport writes. Plain data goes in and out, so that a driver may as well live in another
// process or another language.

export interface TransportCapabilities {
  /** Agents outlive the process that started them, and another process can reach them. */
  readonly survivesCaller: boolean
  /** Deaths come with an exit status. */
  readonly exitStatus: boolean
  /** A person can attach a terminal. */
  readonly attach: boolean
}

/**
 * A transport could not do what it was asked. `Gone`: the pane is proved not to be there any more. `Foreign`: its
 * address is taken by something that is not ours. `Unreachable`: nothing is known (server, connection or time ran
 * out). `Refused`: it will not do this (too long, not supported). Only `Gone` is evidence of anything.
 */
export class TransportFailure
  extends Schema.TaggedError<TransportFailure>("reprise/TransportFailure")("TransportFailure", {
    transport: Schema.String,
    operation: Schema.String,
    reason: Schema.Literal("Gone", "Foreign", "Unreachable", "Refused"),
    detail: Schema.String
  })
{
  override get message(): string {
    return this.detail
  }
}

export interface SpawnRequest {
  readonly team: string
  readonly agent: string
  readonly generation: number
  /** Names this spawn; the pane is found again by it. */
  readonly spawn: SpawnToken
  /** The program and its arguments: executed as they are, by no shell. */
  readonly argv: ReadonlyArray<string>
  /** Absolute. */
  readonly cwd: string
  /** The whole environment of the process: nothing is inherited. Never shown in an argv. */
  readonly env: Readonly<Record<string, string>>
}

/** A pane that the transport listed, with the identity of what lives in it now. */
export interface ListedPane {
  readonly identity: PaneIdentity
  readonly team: string
  readonly agent: string
  readonly generation: number
}

/** A place on the transport's server that Reprise did not make. */
export interface ForeignPane {
  readonly endpoint: string
  readonly session: string
  readonly window: string
  readonly pane: string
  readonly pid: number | null
  readonly command: string
}

/** `absent` is a proved fact (no server listens), not a failed query: that is a `TransportFailure`. */
export interface PaneListing {
  readonly home: "up" | "absent"
  readonly panes: ReadonlyArray<ListedPane>
  readonly foreign: ReadonlyArray<ForeignPane>
  /**
   * Processes of ours that live and whose place is gone, with their server for example. Nobody else may know of them: the
   * command that started them can have been killed before it wrote them down.
   */
  readonly orphans?: ReadonlyArray<ListedPane>
}

/**
 * What is known of a pane. `alive`: listed, with our process and start time. `orphaned`: its process lives, its place is
 * gone. `dead`: its process is proved gone (a zombie is dead). `foreign`: its process is gone and its address is taken by
 * something that Reprise did not make. `unknown`: could not be told.
 */
export interface PaneInspection {
  readonly state: "alive" | "orphaned" | "dead" | "foreign" | "unknown"
  /** A sentence: how it is known. */
  readonly evidence: string
  /** Only for `dead`, where it was recorded. */
  readonly exit: ProcessExit | null
}

export interface Screen {
  /** The visible lines, trailing blanks trimmed. */
  readonly lines: ReadonlyArray<string>
  readonly title: string
  /** Zero-based, from the top left. */
  readonly cursor: { readonly row: number; readonly column: number }
  /** How much fits on the screen; absent where the transport does not know. */
  readonly size?: { readonly columns: number; readonly rows: number }
}

export interface StopReport {
  /** Whether the whole process tree is proved gone. */
  readonly gone: boolean
  /** Processes of the tree that are still there. */
  readonly survivors: ReadonlyArray<number>
  readonly evidence: string
}

export type TransportEvent =
  | { readonly _tag: "Exited"; readonly pane: PaneIdentity; readonly exit: ProcessExit | null }
  | { readonly _tag: "HomeGone"; readonly endpoint: string }

/** Keys that a CLI is answered with. Other keys are single characters. */
export type Key = "Enter" | "Up" | "Down" | "Left" | "Right" | "Tab" | "Space" | (string & {})

export interface TransportDriver {
  readonly capabilities: TransportCapabilities
  /** Starts a process and answers with its identity once the process itself is known (not a recorder). */
  readonly spawn: (request: SpawnRequest) => Effect.Effect<PaneIdentity, TransportFailure>
  /** Everything on the server. A failed query is a failure, never an empty listing. */
  readonly list: Effect.Effect<PaneListing, TransportFailure>
  readonly inspect: (pane: PaneIdentity) => Effect.Effect<PaneInspection>
  readonly capture: (pane: PaneIdentity) => Effect.Effect<Screen, TransportFailure>
  /** Ends whatever mode keeps keys from the process (a scrolled-back view). */
  readonly leaveModes: (pane: PaneIdentity) => Effect.Effect<void, TransportFailure>
  /** Puts text before the process as one bracketed paste, with no Enter. Control characters are already gone. */
  readonly paste: (pane: PaneIdentity, text: string) => Effect.Effect<void, TransportFailure>
  readonly press: (pane: PaneIdentity, keys: ReadonlyArray<Key>) => Effect.Effect<void, TransportFailure>
  /** Asks the process to stop what it does (Ctrl-C's signal), for a person's command only. */
  readonly interrupt: (pane: PaneIdentity) => Effect.Effect<void, TransportFailure>
  /** Ends the process and all its descendants, waits until they are proved gone, and clears their place away. */
  readonly stop: (
    pane: PaneIdentity,
    options: { readonly graceMs: number }
  ) => Effect.Effect<StopReport, TransportFailure>
  /** What happens from now on. Pushed, not polled. */
  readonly events: Stream.Stream<TransportEvent, TransportFailure>
  /**
   * Ends the server if nothing lives on it but what the transport itself put there to keep it open; answers whether it
   * did. Absent where there is no server to end.
   */
  readonly closeHome?: Effect.Effect<boolean, TransportFailure>
  /** The command with which a person sees the agents; null where there is none. It may change: it is read when it is shown. */
  readonly attachCommand: ReadonlyArray<string> | null
  /** What a command in another process is told when it can't reach the agents; null where it can. */
  readonly residence: string | null
}
