import type { AgentFailure } from "../domain/failure.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ApprovalPrompt, Draft, ScreenState, StartupPrompt, Trouble } from "../plugin/provider-screen.ts"
import type { Screen } from "../plugin/transport-driver.ts"

// One captured screen, read once: all that is asked of a screen is asked here.

/** The lowest screen and the narrowest on which the CLIs still draw what they are read by. */
const smallest = { columns: 40, rows: 12 }

/** Why a screen of this size can't be read, as the end of a sentence; null where it can, or its size is not known. */
export const tooSmall = ({ size }: Screen): string | null =>
  size === undefined || (size.columns >= smallest.columns && size.rows >= smallest.rows)
    ? null
    : `the screen is ${size.columns} x ${size.rows}, too small to read`

/** When the conversation on a screen was added to last, in milliseconds of the epoch. */
export interface Spoken {
  /** Null where nothing was said in it, or that can't be told. */
  readonly at: number | null
  /** Whether that was since the agent's process started; null where it can't be told. */
  readonly sinceStart: boolean | null
}

/** What a screen says. */
export interface ScreenReading {
  readonly shown: ScreenState
  readonly startup: StartupPrompt | null
  readonly approval: ApprovalPrompt | null
  readonly draft: Draft
  readonly trouble: Trouble | null
}

/** Reads a screen. */
export const readScreen = (provider: Provider, screen: Screen): ScreenReading => ({
  shown: provider.classify(screen),
  startup: provider.startupPrompt(screen),
  approval: provider.approvalPrompt(screen),
  draft: provider.draft(screen),
  trouble: provider.trouble?.(screen, null) ?? null
})

const isOver = ({ kind, retryAt }: AgentFailure, now: number): boolean =>
  kind === "usage_limit" && retryAt !== null && Date.parse(retryAt) <= now

/**
 * What is wrong now, of what a screen says is wrong. A conversation that was continued shows what was wrong long ago, too:
 * of its words only those count that were said since the process started, and a limit counts until its time.
 */
export const currentFailure = (
  provider: Provider,
  screen: Screen,
  { trouble }: ScreenReading,
  spoken: Spoken,
  now: number
): AgentFailure | null => {
  if (trouble === null) return null
  if (trouble.inConversation === true && spoken.sinceStart === false) return null
  // A time of day is the next one after the words that name it.
  const told = trouble.inConversation === true && spoken.at !== null ? provider.trouble?.(screen, new Date(spoken.at)) ?? null : trouble
  if (told === null || isOver(told, now)) return null
  const { kind, reason, retryAt, retryable } = told
  return { kind, reason, retryAt, retryable }
}
