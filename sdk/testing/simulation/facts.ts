import type { Event } from "../../domain/event.ts"

/** What a command of a simulated world is, as far as the rules look at it. */
export interface CommandFacts {
  readonly command: "up" | "restart" | "send" | "down" | "plan" | "status" | "adopt" | "supervise" | "unsupervise"
  /** The team that it is about; null where none was named. */
  readonly team: string | null
  /** The agents that it may touch; null for all. */
  readonly agents: ReadonlyArray<string> | null
  /** Whether it was given leave to let conversations go. */
  readonly grant: boolean
  /** The agent inside which it was started; null for a person's terminal. */
  readonly inside: { readonly team: string; readonly agent: string } | null
  /** The process of a person's from which it was started; null for another terminal. */
  readonly from: number | null
  /** Whether a person gave leave to end what they had started. */
  readonly takeover: boolean
  /** Whether no person confirmed that agents at work may be interrupted. */
  readonly unconfirmed: boolean
  /** Whether all that it is to bring back come back, or nobody who did not live before. */
  readonly allOrNone: boolean
  /** Whether what agents were told to do is done already, so that nothing of it is given out. */
  readonly workDone: boolean
  /** Whether it runs in a copy of the workspace. */
  readonly copied: boolean
  /** How often it may bring one agent back; null where nobody bounds it. */
  readonly budget: { readonly restarts: number; readonly perMs: number } | null
}

/** One thing that happened in a simulated world, with the truth about it that no Reprise process can know. */
export type Happening =
  | { readonly kind: "begins"; readonly command: CommandFacts }
  | {
    readonly kind: "ends"
    readonly outcome: string
    readonly ok: boolean
    readonly refused: boolean
    /** Of a restart: what came of each agent. */
    readonly results?: Readonly<Record<string, string>>
    /** Of a down: what it named and left alone. */
    readonly leftAlone?: ReadonlyArray<string>
  }
  | { readonly kind: "dies" }
  | { readonly kind: "holds"; readonly resource: string; readonly token: number }
  | { readonly kind: "releases"; readonly resource: string; readonly token: number }
  | {
    readonly kind: "writes"
    readonly batch: number
    readonly position: number
    readonly lifecycle: boolean
    readonly event: Event
    /** Whether the process of that generation of the event's agent lives; null where there was none. */
    readonly lives: boolean | null
    /** Conversations of the event's agent that hold a user's words and were never given up. */
    readonly holds: ReadonlyArray<string>
    /** Of the beginning and the end of an operation: who of its team lives then. */
    readonly living?: ReadonlyArray<string>
  }
  /**
   * A tool put an older log in the place of the workspace's. `marked`: a marker outside the workspace says how far the log
   * went; without it, only the live processes show that it is older.
   */
  | { readonly kind: "rolled back"; readonly marked: boolean }
  /** The newer log is there again. */
  | { readonly kind: "put back" }
  /** The log refused what was to be written, for its disk is full. */
  | { readonly kind: "unwritable" }
  /** What a query answered: of one agent, or, with null, of the whole home. */
  | { readonly kind: "sees"; readonly agent: string | null; readonly state: string }
  | {
    readonly kind: "spawns"
    readonly team: string
    readonly agent: string
    readonly pid: number
    readonly token: string
    readonly permissions: string | null
    /** Other processes of the agent that lived then. */
    readonly beside: ReadonlyArray<number>
    /** Whether it had the variable that lets it in; left out where it needs none. */
    readonly loggedIn?: boolean
  }
  /** A CLI came up in a conversation, which other living processes may be in. */
  | { readonly kind: "starts"; readonly agent: string; readonly pid: number; readonly session: string; readonly shared: ReadonlyArray<number> }
  | {
    readonly kind: "stops"
    readonly team: string
    readonly agent: string
    readonly pid: number
    /** Whether the process lived and was Reprise's. */
    readonly lived: boolean
    /** Whether it was in the middle of a turn. */
    readonly atWork: boolean
    /** What else the stop ended. */
    readonly foreign: ReadonlyArray<string>
  }
  /** An agent's process started one that outlives it. */
  | {
    readonly kind: "leaves"
    readonly team: string
    readonly agent: string
    readonly generation: number
    readonly pid: number
    readonly inTerminal: boolean
  }
  /** Such a process is ended. */
  | {
    readonly kind: "clears"
    readonly team: string
    readonly agent: string
    readonly generation: number
    readonly pid: number
    readonly inTerminal: boolean
    /** Whether the process that started it lives. */
    readonly parentLives: boolean
  }
  /** A command asked the machine for its processes and was not told. */
  | { readonly kind: "hidden" }
  /** A person started a CLI by hand. */
  | { readonly kind: "by hand"; readonly agent: string; readonly pid: number; readonly permissions: string | null }
  /** What a person had started is ended; `below`: agents that end with it. */
  | { readonly kind: "takes"; readonly agent: string; readonly pid: number; readonly below: ReadonlyArray<string> }
  /** A CLI can't work before then, and says so; null where it does not say when that ends. `ended`: it did not live on. */
  | { readonly kind: "limited"; readonly agent: string; readonly pid: number; readonly until: number | null; readonly ended: boolean }
  /** A process was stopped by a signal, or continued: it lives and does nothing meanwhile. */
  | { readonly kind: "suspended"; readonly agent: string; readonly pid: number; readonly now: boolean }
  /** The machine came up again: nothing of before lives. */
  | { readonly kind: "boots"; readonly boot: string }
  | { readonly kind: "types"; readonly agent: string; readonly pid: number; readonly text: string }
  | { readonly kind: "hears"; readonly agent: string; readonly session: string; readonly text: string }
  /** What the world does by itself; `ended`: agents that do not live on then, whatever Reprise does. */
  | { readonly kind: "happens"; readonly what: string; readonly ended?: ReadonlyArray<string> }
  /** What a world is found to be when all is over; an empty list is as it should be. */
  | { readonly kind: "settles"; readonly wrong: ReadonlyArray<{ readonly rule: number; readonly problem: string }> }

/** A happening, when, and by which process. */
export type Fact = Happening & { readonly at: number; readonly by: string }

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** The facts as lines, with what is drawn anew in each run replaced by the order in which it came up. */
export const traceLines = (facts: ReadonlyArray<Fact>): ReadonlyArray<string> => {
  const names = new Map<string, string>()
  const named = (id: string): string => {
    const known = names.get(id) ?? `#${names.size + 1}`
    names.set(id, known)
    return known
  }
  return facts.map(({ at, by, kind, ...rest }) =>
    `${String(at).padStart(8)} ${by.padEnd(12)} ${kind.padEnd(8)} ${JSON.stringify(rest)}`.replace(uuid, named))
}

/** A short name of a trace: equal traces have equal ones. */
export const traceHash = (lines: ReadonlyArray<string>): string => {
  let a = 0x811c9dc5
  let b = 0x01000193
  for (const line of lines) {
    for (let at = 0; at < line.length; at++) {
      a = Math.imul(a ^ line.charCodeAt(at), 0x01000193)
      b = Math.imul(b + line.charCodeAt(at), 0x85ebca6b) ^ (a >>> 7)
    }
  }
  return (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0")
}
