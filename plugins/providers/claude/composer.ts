import type { Composer, TextEntry } from "reprise/plugin"

// What the input line of Claude Code does with a text. Each rule was seen at the version that the plugin is proved with; the
// acceptance sends these texts and compares what arrives at the model.

/** Words that end it. */
const endings = new Set(["exit", "quit", ":q", ":q!", ":wq", ":wq!"])

/** A command's name. A first word with a second slash in it is a path, and no command. */
const command = /^\s*\/[^\s/]*(?:\s|$)/

const emoji = /\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f|\u200d\p{Extended_Pictographic})*/gu
const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

/** What it does with a text for which no other way in is known; null for all other texts. */
const effectOn = (text: string): string | null => {
  if (text.startsWith("!")) return "runs a text that begins with \"!\" as a shell command"
  if (command.test(text)) return "reads a text that begins with \"/\" as a command"
  if (endings.has(text.trim())) return `ends when its input is "${text.trim()}"`
  if (/\s$/.test(text)) return "removes blanks and line ends at the end of a text"
  if (text.includes("\t")) return "replaces tabs with blanks"
  const hidden = invisible.exec(text.replace(emoji, ""))?.[0]
  if (hidden !== undefined) return `removes or replaces the character ${codePoint(hidden)}`
  return text.normalize("NFC") === text ? null : "changes characters to their composed form (Unicode NFC)"
}

/** A paste of more than this comes to the model in a wrapper; in smaller pieces a text stays as it is. */
const pieceLines = 3
const pieceLength = 700
/** It takes about 20 ms for each piece. A longer text is pasted at once. */
const mostPieces = 250

/** Where a long line is cut: not inside a character, nor inside one that is put together of several. */
const cutIn = (line: string): number => {
  let at = pieceLength
  const joins = (index: number): boolean =>
    /^[\p{M}\p{Cf}\p{Emoji_Modifier}\udc00-\udfff]/u.test(line.slice(index)) || line[index - 1] === "\u200d" ||
    /[\udc00-\udfff]/.test(line[index] ?? "")
  while (at > pieceLength / 2 && joins(at)) at -= 1
  return at
}

const image = /\.(?=(?:png|jpe?g|gif|webp)["']?\s*$)/gim

/** A pasted path of an image is replaced by the image, unless its name comes in two pieces. */
const withoutImages = (piece: string): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let from = 0
  for (const { index } of piece.matchAll(image)) {
    pieces.push(piece.slice(from, index + 1))
    from = index + 1
  }
  return [...pieces, piece.slice(from)]
}

const inPieces = (text: string): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let piece = ""
  let lines = 1
  for (let rest = text; rest !== "";) {
    const end = rest.indexOf("\n")
    const line = end < 0 ? rest : rest.slice(0, end + 1)
    const part = line.length > pieceLength ? line.slice(0, cutIn(line)) : line
    if (piece !== "" && piece.length + part.length > pieceLength) {
      pieces.push(piece)
      piece = ""
      lines = 1
    }
    piece += part
    if (part.endsWith("\n")) lines += 1
    if (lines >= pieceLines) {
      pieces.push(piece)
      piece = ""
      lines = 1
    }
    rest = rest.slice(part.length)
  }
  return piece === "" ? pieces : [...pieces, piece]
}

const entryOf = (text: string): TextEntry => {
  const effect = effectOn(text)
  if (effect !== null) return { _tag: "interpreted", effect }
  // Enter after a backslash makes a new line. A blank behind it is removed again.
  const escaped = text.endsWith("\\")
  const pieces = inPieces(escaped ? `${text} ` : text).flatMap(withoutImages)
  if (pieces.length <= mostPieces) return { _tag: "exact", pieces }
  return escaped
    ? { _tag: "interpreted", effect: "keeps a blank after the backslash at the end of a text of this length" }
    : { _tag: "exact", pieces: [text] }
}

export const composer: Composer = {
  entryOf,
  // To the end of the line, the line before it, and the empty line (or the shell's mode) itself.
  eraseLine: ["C-e", "C-u", "BSpace"]
}
