import type { Strategy } from "../../domain/event.ts"
import type { CliBehaviour } from "./simulated-cli.ts"

// What happens in a simulated world, as data: it can be generated, shown, made smaller and played again.

export type PolicyName =
  | "standard"
  | "resume"
  | "isolated"
  | "atomic"
  | "atomicRolling"
  | "atomicFresh"
  | "resumeOrFresh"
  | "fresh"
  | "rolling"
  | "canary"
  | "rollingFresh"
  | "backoff"
  | "budget"
  | "approved"
  | "denied"
  | "noGrant"
  | VariedPolicy

/** What policies can be beside the common ones. */
export type VariedPolicy =
  | "sequence"
  | "leaderLast"
  | "dependencyOrder"
  | "perAgent"
  | "verified"
  | "gated"
  | "workOpen"
  | "workDone"
  | "budgetTeam"
  | "budgetCredential"

/** What a supervisor's policy says of how often. */
export type BudgetName = "standard" | "tight" | "team" | "credential"

/** What it does after a boot; where it asks, what is answered. */
export type AfterBoot = "resume" | "hold" | "ask: yes" | "ask: nobody"

/** What goes wrong while a command runs. */
export interface CommandTrouble {
  /** Started so many milliseconds after the others of its step. */
  readonly startsAfter?: number
  /** The process dies at this instant of its life. */
  readonly dieAt?: number
  /** How likely each call of each boundary is to fail, to be late or to lose its answer. */
  readonly faults?: number
  /** At this append it is held up and taken for dead, and goes on afterwards. */
  readonly presumedDeadAt?: number
  /** Started from this agent's process: inside it, or in its person's terminal. */
  readonly from?: string
  /** Run in a copy of the workspace; whether the original can be looked at. */
  readonly copy?: "readable" | "unreadable"
  /** Started from an environment without the variable that lets CLIs in. */
  readonly poor?: true
  /** Happens so many milliseconds after its start. */
  readonly meanwhile?: ReadonlyArray<{ readonly after: number; readonly what: WorldStep }>
}

export type CommandStep = CommandTrouble & (
  | {
    readonly do: "up"
    /** A second team instead of the world's own: of the agents that are in it, or of nobody. */
    readonly team?: string
  }
  | {
    readonly do: "restart"
    readonly policy: PolicyName
    /** The team that is named instead of the world's own; null where none is. */
    readonly team?: string | null
    readonly agents?: ReadonlyArray<string>
    readonly onlyDead?: boolean
    /** What people started may be ended. */
    readonly takeover?: boolean
    /** No person confirmed that agents at work may be interrupted. */
    readonly unconfirmed?: boolean
    readonly unfinished?: "continue" | "rollback"
    /** The conversation that a person selects for the one agent that is named. */
    readonly session?: string
    /** Run by this agent, inside its own team. */
    readonly inside?: string
  }
  /** Plans a restart by the standard policy, and carries it out so many milliseconds later. */
  | { readonly do: "apply"; readonly after: number }
  | { readonly do: "send"; readonly agent: string; readonly text: string; readonly team?: string }
  | { readonly do: "down"; readonly inside?: string; readonly team?: string }
  | { readonly do: "plan"; readonly team?: string }
  | { readonly do: "status"; readonly team?: string }
  /** Makes a team of this name of what people started by hand. */
  | { readonly do: "adopt"; readonly team: string }
  /** Goes on beside all that follows, until it is switched off or dies. */
  | { readonly do: "supervise"; readonly strategy: Strategy; readonly budget: BudgetName; readonly onBoot?: AfterBoot }
  | { readonly do: "unsupervise" }
)

/** What the world does by itself. */
export type WorldStep =
  | { readonly do: "dies"; readonly agent: string; readonly silently: boolean }
  | { readonly do: "home vanishes"; readonly survivors: ReadonlyArray<string> }
  | { readonly do: "transcripts lost"; readonly agent: string }
  /** Another conversation lies where the agent's was. */
  | { readonly do: "transcripts replaced"; readonly agent: string }
  /** What the log has of the agent's first message is no time any more. */
  | { readonly do: "first send damaged"; readonly agent: string }
  | { readonly do: "stranger takes pane"; readonly agent: string }
  | { readonly do: "person says"; readonly agent: string; readonly text: string }
  /** A person starts the agent's CLI by hand; where they resume and nobody is in it, in the conversation that it has. */
  | { readonly do: "person starts"; readonly agent: string; readonly resumes: boolean }
  /** A person begins another conversation in the agent's process, and gives the one before up. */
  | { readonly do: "person clears"; readonly agent: string }
  /** The agent's CLI can't work any more: it ends now, where it lives, and as long as that lasts whenever it is started. */
  | {
    readonly do: "limit begins"
    readonly agent: string
    readonly kind: "usage_limit" | "auth"
    /** How long it lasts; null where the CLI does not say. */
    readonly forMs: number | null
    /** A CLI that is started meanwhile lives on and shows it. */
    readonly shown: boolean
    /** Whether what lives now ends; else it is met at the next start. */
    readonly endsNow: boolean
  }
  /** The agent's process is stopped by a signal (SIGSTOP, Ctrl-Z): it lives and does nothing until it is continued. */
  | { readonly do: "suspended"; readonly agent: string }
  | { readonly do: "continued"; readonly agent: string }
  /** The agent's process starts another one and detaches it from itself. */
  | { readonly do: "leaves child"; readonly agent: string; readonly inTerminal: boolean }
  /**
   * A tool puts an older log in the place of the workspace's: without its last so many entries, or without the newest start
   * of an agent that lives. In the latter case nothing outside of the workspace tells how far the log went.
   */
  | { readonly do: "log rolled back"; readonly to: number | "before a start" }
  /** The newer log is put back. */
  | { readonly do: "log put back" }
  /** A turn of the agent's fails for a login, and its conversation says so from then on. */
  | { readonly do: "turn fails"; readonly agent: string }
  /** The machine goes down with everything on it, and comes up again. */
  | { readonly do: "reboots" }
  | { readonly do: "clock jumps"; readonly millis: number }
  | { readonly do: "cli behaves"; readonly agent: string; readonly behaviour: CliBehaviour }
  | { readonly do: "time passes"; readonly millis: number }

/** Commands of one step run at once, each in a process of its own. */
export type Step = WorldStep | { readonly do: "commands"; readonly commands: ReadonlyArray<CommandStep> }

export interface SimulatedAgent {
  readonly id: string
  readonly provider: string
  /** The team that it is in, where that is not the world's own. */
  readonly team?: string
  readonly permissions: string | null
  readonly role?: string
  /** The agents on whose tasks its own build. */
  readonly buildsOn?: ReadonlyArray<string>
  readonly paused?: boolean
  /** No team file has it: a person starts it, and it may be adopted. Its id is what the adoption calls it. */
  readonly byHand?: boolean
  /** Its CLI is let in by a variable of the environment. */
  readonly login?: true
  readonly behaviour: CliBehaviour
}

export interface Scenario {
  readonly seed: number
  readonly agents: ReadonlyArray<SimulatedAgent>
  readonly steps: ReadonlyArray<Step>
}

/** Whether a step is of the world. */
export const isWorldStep = (step: Step): step is WorldStep => step.do !== "commands"
