// A message may quote a file only where the file is of the kind that was asked for: any other may hold secrets. Pure.
import * as Predicate from "effect/Predicate"
import { closest } from "./suggestion.ts"

/** What files of one kind have at their top. */
export interface FileKind {
  /** As in "this is not a team file". */
  readonly name: string
  /** The keys that every such file has. */
  readonly required: ReadonlyArray<string>
  readonly known: ReadonlyArray<string>
}

const isNear = (keys: ReadonlyArray<string>) => (key: string): boolean => closest(key, keys) !== undefined

const recognisedKeys = (keys: ReadonlyArray<string>, { known, required }: FileKind): boolean =>
  keys.length > 0 &&
  (required.every((wanted) => keys.some(isNear([wanted]))) || keys.every(isNear(known)))

const keysOfText = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(text.trimStart().startsWith("{") ? /(?:^|[{,\s])["']?(\w+)["']?\s*:/g : /^["']?(\w[\w.-]*)["']?\s*:(?=\s|$)/gm)]
    .map(([, key]) => key ?? "")

/** Whether the file is of this kind, by its data, or by its text where that has no data. */
export const isRecognised = (kind: FileKind, text: string, content: { readonly value: unknown } | undefined): boolean =>
  content === undefined
    ? recognisedKeys(keysOfText(text), kind)
    : content.value === null || content.value === undefined ||
      (Predicate.isRecord(content.value) && recognisedKeys(Object.keys(content.value), kind))

const kindOfValue = (value: unknown): string =>
  Array.isArray(value) ? "found a list; " : Predicate.isRecord(value) ? "" : `found ${typeof value === "string" ? "text" : `a ${typeof value}`}; `

/** Why a file is not of this kind, without a word of what it holds. */
export const notRecognised = (kind: FileKind, content: { readonly value: unknown } | undefined): string =>
  `expected a mapping with the keys ${kind.required.join(" and ")}, ${content === undefined ? "" : kindOfValue(content.value)}` +
  `this is not ${kind.name}, and nothing of it is shown`
