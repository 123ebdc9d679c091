import type { Provider } from "../plugin/PluginHost.ts"
import type { ProviderAgent } from "../plugin/provider-driver.ts"

// Which texts can be typed, and how. Decided before the first key, and the same for a new message and a queued one.

/** The longest text that is typed, in bytes of UTF-8. */
export const longestText = 1024 * 1024

/** A text as it goes into a terminal, or why it does not. */
export type Entry =
  | {
    readonly _tag: "Typed"
    readonly pieces: ReadonlyArray<string>
    /** For a raw text that its CLI may interpret: what the CLI does with it. Only a record proves such a one taken. */
    readonly interpreted: string | null
  }
  | {
    readonly _tag: "Refused"
    /** A clause: what is wrong with the text. */
    readonly why: string
    /** Whether `raw` types it nevertheless. */
    readonly rawHelps: boolean
  }

/** Characters that are keys in a terminal. A tab and a line feed are text in a paste. */
// oxlint-disable-next-line no-control-regex
const keyCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

/** Why no terminal takes this text unchanged, whatever runs in it; null where one does. */
export const untypable = (text: string): string | null => {
  if (text === "") return "the text is empty"
  const size = Buffer.byteLength(text)
  if (size > longestText) return `the text has ${size} bytes, and at most ${longestText} can be sent`
  if (loneSurrogate.test(text)) return "the text is not valid Unicode"
  const key = keyCharacter.exec(text)?.[0]
  if (key !== undefined) return `the text contains the control character ${codePoint(key)}, which is a key in a terminal`
  return text.includes("\r") ? "the text contains carriage returns (CRLF line ends), which a terminal turns into other line ends" : null
}

/** How a text is typed so that it arrives unchanged, or why it can't be. Pure. */
export const entryOf = (
  provider: Pick<Provider, "name" | "composer">,
  agent: ProviderAgent,
  { raw, text }: { readonly text: string; readonly raw: boolean }
): Entry => {
  const why = untypable(text)
  if (why !== null) return { _tag: "Refused", why, rawHelps: false }
  const plain = { _tag: "Typed" as const, pieces: [text], interpreted: null }
  const entry = provider.composer?.entryOf(text, agent)
  if (entry === undefined) return plain
  if (entry._tag === "interpreted") {
    return raw
      ? { ...plain, interpreted: `${provider.name} ${entry.effect}` }
      : { _tag: "Refused", why: `${provider.name} ${entry.effect}`, rawHelps: true }
  }
  if (!raw) return { ...plain, pieces: entry.pieces }
  const asItIs = entry.pieces.length === 1 && entry.pieces[0] === text
  return asItIs ? plain : { ...plain, interpreted: `${provider.name} may read it as something else than a message` }
}

const squeezed = (text: string): string => text.replace(/\s+/g, "")

/** Whether what an input line shows is this text, whole or without the characters at its ends that a composer took away. */
export const showsText = (draft: string, text: string): boolean => {
  const [shown, typed] = [squeezed(draft), squeezed(text)]
  return shown !== "" && typed.includes(shown) && typed.length - shown.length <= 2
}

/** Whether what an input line shows is the end of this text: of a long one it shows no more. */
export const endsText = (draft: string, text: string): boolean => {
  const shown = squeezed(draft)
  return shown !== "" && squeezed(text).endsWith(shown)
}
