import type { ProviderRule } from "./provider-check.ts"
import { pureRule, sampleAgent } from "./provider-check.ts"

// Rules for what a provider says of its input line.

const samples = [
  "hello", "two\nlines", "four\n\nlines\nand a blank one", " leading", "trailing ", "ends in a backslash \\", "a\ttab", "!x", "/x y", "#x", "@x",
  "see @x", "$x", "exit", "quit", ":q", "?", "1", "-v", "/a/path.png", "a picture.png", "\u65e5\u672c\u8a9e", "e\u0301", "\u200bx",
  "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \u2764\ufe0f", `long ${"x".repeat(5000)}`, "word ".repeat(400).trim(),
  Array.from({ length: 400 }, (_, at) => `line ${at}`).join("\n")
]

/** Whether the pieces are the text, but for a blank that is typed before or after it. */
const isTheText = (pieces: ReadonlyArray<string>, text: string): boolean =>
  [text, ` ${text}`, `${text} `, ` ${text} `].includes(pieces.join(""))

export const composerRules: ReadonlyArray<ProviderRule> = [
  pureRule("composer: a text is typed as it is, or what the CLI does with it is said", function*(driver, options) {
    for (const text of samples) {
      const shown = JSON.stringify(text.slice(0, 40))
      const entry = driver.composer?.entryOf(text, sampleAgent(options))
      if (entry === undefined) continue
      if (entry._tag === "interpreted") {
        if (entry.effect.trim() === "" || /^[A-Z]|\.$/.test(entry.effect)) {
          yield `${shown}: the effect ${JSON.stringify(entry.effect)} does not go on with a sentence "NAME ..."`
        }
      } else if (entry.pieces.some((piece) => piece === "") || !isTheText(entry.pieces, text)) {
        yield `${shown} would be typed as ${JSON.stringify(entry.pieces.join("").slice(0, 60))}`
      }
    }
  }, (driver) => driver.composer !== undefined),
  pureRule("composer: an ordinary text is not refused", function*(driver, options) {
    for (const text of ["hello", "please look at the tests, then tell me"]) {
      if (driver.composer?.entryOf(text, sampleAgent(options))._tag !== "exact") yield `${JSON.stringify(text)} is refused`
    }
  }, (driver) => driver.composer !== undefined),
  pureRule("composer: no key that removes a draft submits, interrupts or answers", function*(driver) {
    for (const key of driver.composer?.eraseLine ?? []) {
      if (["Enter", "Escape", "C-c", "C-d", "C-m", "C-j"].includes(key)) yield `${key} is among them`
    }
  }, (driver) => driver.composer?.eraseLine !== undefined),
  pureRule("transcript: a message that is held is among those of the user, word for word", function*(driver, options) {
    const text = "one\n  two \\ \u65e5"
    const content = options.transcript?.({ sessionId: "s-1", cwd: "/w", marker: "t/a" }, [{ role: "user", text }]) ?? ""
    if (!driver.holdsUserMessage(content, text)) return
    if (driver.userMessages?.(content).at(-1) !== text) yield "userMessages does not tell it"
    for (const changed of [` ${text}`, `${text} `, `${text}\n`, text.trimEnd().slice(0, -1), text.replace("  two", "two")]) {
      if (driver.holdsUserMessage(content, changed)) yield `${JSON.stringify(changed)} counts as ${JSON.stringify(text)}`
    }
  }, (driver, options) => driver.userMessages !== undefined && options.transcript !== undefined)
]
