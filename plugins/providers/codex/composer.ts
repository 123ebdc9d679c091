import type { Composer, TextEntry } from "reprise/plugin"

// What the input line of Codex does with a text. It removes blanks around a text after it has decided what to do with it: a
// blank in the right place makes any text a message. Each rule was seen at the version that the plugin is proved with.

const image = /\.(?=(?:png|jpe?g|gif|webp)["']?$)/i

const entryOf = (text: string): TextEntry => {
  if (/^\p{White_Space}|\p{White_Space}$/u.test(text)) {
    return { _tag: "interpreted", effect: "removes blanks and line ends around a text" }
  }
  // `!` runs a shell command and `/` a command of its own, at the very beginning only.
  const before = /^[!/]/.test(text) ? " " : ""
  // Enter takes the completion that is open at the end of a word with one of these.
  const after = /[@$]\S*$/.test(text) ? " " : ""
  const typed = `${before}${text}${after}`
  // A pasted path of an image is replaced by the image, unless its name comes in two pieces.
  const dot = /[\r\n]/.test(text) ? -1 : typed.trim().search(image) + before.length
  return dot > before.length - 1
    ? { _tag: "exact", pieces: [typed.slice(0, dot + 1), typed.slice(dot + 1)] }
    : { _tag: "exact", pieces: [typed] }
}

export const composer: Composer = { entryOf, eraseLine: ["C-e", "C-u", "BSpace"] }
