import type { Screen, StartupPrompt } from "reprise/plugin"
import { dialogOn, keysTo, questionText } from "./dialogs.ts"

// What Claude Code asks while it starts. What only the user may agree to is answered where the team file agrees.

interface Known {
  readonly name: string
  /** Left out where the words of the answer are the question's own: it may have left a low screen. */
  readonly asks?: RegExp
  readonly question: string
  /** The beginning of the label of the choice that lets it go on. */
  readonly yes: RegExp
  readonly consent?: { readonly option: string; readonly advice: string }
}

const known: ReadonlyArray<Known> = [
  {
    name: "trust",
    question: "Is this directory a project that you created or one that you trust?",
    yes: /^Yes, I trust this folder$/,
    consent: {
      option: "trust",
      advice: "Give the agent the option `trust: true` in the team file, then reprise down and reprise up; or " +
        "start claude there once yourself and answer it, then reprise restart."
    }
  },
  {
    name: "api-key",
    // To its end: what a tool wants to do is in an approval's words, and its last ones are Claude Code's own.
    asks: /Detected a custom API key in your environment.*Do you want to use this API key\?$/,
    question: "Do you want to use the API key of the environment?",
    yes: /^Yes/,
    consent: {
      option: "useApiKey",
      advice: "Give the agent the option `useApiKey: true` in the team file or take ANTHROPIC_API_KEY out of the " +
        "environment, then reprise down and reprise up."
    }
  },
  {
    // It is only shown where the team file names this mode: that is the consent.
    name: "bypass",
    asks: /Claude Code running in Bypass Permissions mode/,
    question: "Do you accept that it runs without asking for permissions?",
    yes: /^Yes, I accept/
  }
]

/** Keys that come right when a question is drawn are passed over; measured were 0.1 to 0.2 s on a quiet machine. */
const settleMs = 1000

/** The question that is open, and the keys that agree; the marked answer of most is "No". */
export const startupPrompt = (screen: Screen): StartupPrompt | null => {
  const dialog = dialogOn(screen)
  if (dialog === null) return null
  const text = questionText(dialog)
  for (const { asks, consent, name, question, yes } of known) {
    if (asks !== undefined && !asks.test(text)) continue
    const agree = dialog.choices.findIndex(({ label }) => yes.test(label))
    if (agree < 0) continue
    return { name, question, answer: keysTo(dialog, agree), settleMs, ...(consent === undefined ? {} : { consent }) }
  }
  return null
}
