import * as Args from "@effect/cli/Args"
import type * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type * as Usage from "@effect/cli/Usage"
import * as Option from "effect/Option"
import { likely } from "../../sdk/index.ts"

/** How a flag is given. */
export interface Flag {
  /** What its value is called; null for a flag without one. */
  readonly value: string | null
  readonly repeats: boolean
}

const isOptions = (value: Command.Command.Config[string]): value is Options.Options<unknown> =>
  typeof value === "object" && value !== null && Options.OptionsTypeId in value

type Entry = Command.Command.Config[string] | Args.Args<unknown>

const named = (usage: Usage.Usage, repeats = false): ReadonlyArray<readonly [string, Flag]> => {
  switch (usage._tag) {
    case "Named":
      return usage.names.map((name) => [name, { value: Option.getOrNull(usage.acceptedValues), repeats }])
    case "Optional":
      return named(usage.usage, repeats)
    case "Repeated":
      return named(usage.usage, true)
    case "Alternation":
    case "Concat":
      return [...named(usage.left, repeats), ...named(usage.right, repeats)]
    default:
      return []
  }
}

/** The flags of a verb. */
export const flagsOf = (config: Readonly<Record<string, Entry>>): ReadonlyMap<string, Flag> =>
  new Map(Object.values(config).flatMap((option) => isOptions(option) ? named(Options.getUsage(option)) : []))

const isArgs = (value: Entry): value is Args.Args<unknown> => typeof value === "object" && value !== null && Args.ArgsTypeId in value

const placesIn = (usage: Usage.Usage): ReadonlyArray<string> | null => {
  switch (usage._tag) {
    case "Named":
      return usage.names.map((name) => name.replace(/^<|>$/g, "").toUpperCase())
    case "Optional":
      return placesIn(usage.usage)
    case "Concat": {
      const [left, right] = [placesIn(usage.left), placesIn(usage.right)]
      return left === null || right === null ? null : [...left, ...right]
    }
    case "Empty":
      return []
    default:
      return null
  }
}

/** What a verb takes besides its flags, as in AGENT TEXT; null where it takes any number. */
export const placesOf = (config: Readonly<Record<string, Entry>>): ReadonlyArray<string> | null => {
  const all = Object.values(config).flatMap((entry) => isArgs(entry) ? [placesIn(Args.getUsage(entry))] : [])
  return all.includes(null) ? null : all.flatMap((places) => places ?? [])
}

const quoted = (words: ReadonlyArray<string>): string => `'${words.join(" ").replaceAll("'", "'\\''")}'`

/** What is wrong with words beyond those that a verb takes, and the command as it may be intended; null where none is. */
export const tooMany = (
  verb: string,
  places: ReadonlyArray<string> | null,
  values: ReadonlyArray<string>
): { readonly wrong: string; readonly next: ReadonlyArray<string> } | null => {
  if (places === null || values.length <= places.length) return null
  const extra = values.slice(places.length).map((word) => JSON.stringify(word)).join(", ")
  const takes = `${verb} takes ${places.length === 0 ? "no words besides its options" : places.join(" ")}, and got ${extra} besides.`
  const text = places.at(-1) === "TEXT"
  return {
    wrong: `${takes}${text ? " Quote a text of several words." : ""} Nothing was done.`,
    next: text
      ? [[`reprise ${verb}`, ...values.slice(0, places.length - 1), quoted(values.slice(places.length - 1))].join(" ")]
      : [`reprise ${verb} --help`]
  }
}

const plain: Flag = { value: null, repeats: true }
const builtIn = new Map([["--help", plain], ["-h", plain], ["--version", plain]])

const looksLikeFlag = (word: string): boolean => /^-[^\s]+$/.test(word)
/** Also no number below nought, which an option may want to refuse in its own words. */
const isNoValue = (word: string): boolean => word === "--" || (looksLikeFlag(word) && !/^-\d/.test(word))

const unknown = (name: string, known: ReadonlyArray<string>): string => {
  const near = likely(name, known)
  return `There is no option ${name}${near === undefined ? `; the options are ${known.filter((one) => one.startsWith("--")).sort().join(", ")}.` : `; did you mean ${near}?`} A text that begins with a dash goes after --.`
}

/** What is wrong with a flag of ours and what stands in the place of its value; null where nothing is. */
const misgiven = (name: string, value: string | undefined, attached: boolean, { repeats, value: called }: Flag, again: boolean): string | null => {
  if (again && !repeats) return `${name} is there twice, and it can be given once.`
  if (called === null) return attached ? `${name} takes no value.` : null
  const wants = `${name} wants a value, as in ${name} ${called}`
  if (value === undefined || value === "") return `${wants}, and has none.`
  return attached || !isNoValue(value) ? null : `${wants}, and ${value} is none.`
}

/**
 * The words with each flag's value in a word of its own; or, as a sentence, what is wrong with the first flag that is none
 * of ours or is given as it can't be. The parser would take such a word for an agent's name, a message's text or another
 * flag's value, or drop it with all that stands after it.
 */
export const readFlags = (
  args: ReadonlyArray<string>,
  flags: ReadonlyMap<string, Flag>
): { readonly wrong: string } | { readonly words: ReadonlyArray<string>; readonly values: ReadonlyArray<string> } => {
  const known = new Map([...flags, ...builtIn])
  const seen = new Set<string>()
  const words: Array<string> = []
  const values: Array<string> = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ""
    if (word === "--") return { words: [...words, ...args.slice(index)], values: [...values, ...args.slice(index + 1)] }
    const [name = word, ...rest] = word.split("=")
    const attached = rest.length > 0
    const flag = known.get(name)
    if (flag === undefined && !looksLikeFlag(word)) {
      words.push(word)
      values.push(word)
      continue
    }
    const value = attached ? rest.join("=") : args[index + 1]
    const wrong = flag === undefined ? unknown(name, [...known.keys()]) : misgiven(name, value, attached, flag, seen.has(name))
    if (wrong !== null) return { wrong: `${wrong} Nothing was done.` }
    seen.add(name)
    words.push(name)
    if (flag === undefined || flag.value === null || value === undefined) continue
    words.push(value)
    if (!attached) index += 1
  }
  return { words, values }
}
