// How a string stands in a line that tmux parses itself, so that nothing in it means anything.

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\"": "\\\"",
  "$": "\\$",
  "~": "\\~",
  "\n": "\\n"
}

// oxlint-disable-next-line no-control-regex
const special = /[\\"$~\u0000-\u001f\u007f]/g

/** One word of a command line: quoted, with control characters in octal, so that it is one line whatever it holds. */
export const encodeWord = (word: string): string =>
  `"${
    word.replace(special, (character) =>
      escapes[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`)
  }"`

/** A literal for an argument that tmux expands as a format. */
export const encodeFormatLiteral = (text: string): string => text.replaceAll("#", "##")

/** One command of a line. */
export const commandLine = (words: ReadonlyArray<string>): string => words.map(encodeWord).join(" ")

/** Commands that run one after the other; the first that fails ends the row. */
export const commandSequence = (commands: ReadonlyArray<ReadonlyArray<string>>): string =>
  commands.map(commandLine).join(" ; ")
