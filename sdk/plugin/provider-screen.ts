import type { AgentFailure } from "../domain/failure.ts"
import type { Key } from "./transport-driver.ts"

// What a provider reads on the screen of its CLI.

/** `unknown` is the answer to anything not recognised; it never counts as idle. */
export type ScreenState = "starting" | "idle" | "busy" | "awaiting_approval" | "error" | "unknown"

/** A question that a CLI asks while it starts, and the keys that answer it. */
export interface StartupPrompt {
  readonly name: string
  readonly question: string
  readonly answer: ReadonlyArray<Key>
  /**
   * For what only the user may agree to: it is answered when this option of the agent is `true`, else the start fails
   * with the advice, a sentence. Left out: it may always be answered.
   */
  readonly consent?: { readonly option: string; readonly advice: string }
  /** How long, in milliseconds, it stands there before it hears keys; a key that comes earlier is lost. */
  readonly settleMs?: number
}

export interface ApprovalPrompt {
  readonly question: string
  readonly choices: ReadonlyArray<{ readonly label: string; readonly keys: ReadonlyArray<Key> }>
}

/** What a screen says is wrong with an agent that lives. */
export interface Trouble extends AgentFailure {
  /**
   * Its words are part of the conversation: one that was continued shows those of before, too, and they are out of date.
   * Left out: they are about the present, wherever they stand.
   */
  readonly inConversation?: boolean
}

/** What is on the screen's input line that was typed and not sent; null when that can't be told. */
export type Draft = string | null
