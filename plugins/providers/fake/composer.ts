import type { Composer, TextEntry } from "reprise/plugin"

// What the worker's input line does with a text. An ordinary worker knows one command; one with the option `composer:
// interprets` has an input line as real CLIs have them.

const ordinary = (text: string): TextEntry =>
  text.trim() === "/clear"
    ? { _tag: "interpreted", effect: "begins another conversation on /clear" }
    : { _tag: "exact", pieces: [text] }

/** Commands that are messages, too. */
const known = /^\/(?:approve|busy|child|crash|error|exit|hang|lose-transcript|title)\b/

const interpreting = (text: string): TextEntry => {
  const effect = text.startsWith("!")
    ? "keeps a text that begins with \"!\" as a shell command"
    : text.startsWith("/") && !known.test(text)
    ? "reads a text that begins with \"/\" as a command"
    : /^(?:exit|quit|:q)$/.test(text.trim())
    ? `ends when its input is "${text.trim()}"`
    : text.includes("\t")
    ? "replaces tabs with blanks"
    : /\s$/.test(text)
    ? "removes blanks and line ends at the end of a text"
    : null
  if (effect !== null) return { _tag: "interpreted", effect }
  // Enter after a backslash makes a new line. A blank behind it is removed again.
  return { _tag: "exact", pieces: [text.endsWith("\\") ? `${text} ` : text] }
}

export const composer: Composer = {
  entryOf: (text, { options }) => {
    const entry = ordinary(text)
    return entry._tag === "exact" && options["composer"] === "interprets" ? interpreting(text) : entry
  },
  eraseLine: ["C-u"]
}
