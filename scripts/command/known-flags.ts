import type * as Args from "@effect/cli/Args"
import type * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import { closest } from "../../sdk/index.ts"

const isOptions = (value: Command.Command.Config[string]): value is Options.Options<unknown> =>
  typeof value === "object" && value !== null && Options.OptionsTypeId in value

type Entry = Command.Command.Config[string] | Args.Args<unknown>

/** The flags of a verb, and whether each is without a value. */
export const flagsOf = (config: Readonly<Record<string, Entry>>): ReadonlyMap<string, boolean> =>
  new Map(
    Object.values(config).flatMap((option) =>
      isOptions(option)
        ? Option.match(Options.getIdentifier(option), {
          onNone: () => [],
          onSome: (name) => [[`--${name.replace(/^-+/, "")}`, Options.isBool(option)] as const]
        })
        : []
    )
  )

const builtIn = new Map([["--help", true], ["-h", true], ["--version", true]])

/**
 * The first word that looks like a flag and is none, as a sentence; null where there is none. The parser would take it
 * for an agent's name or a message's text.
 */
export const unknownFlag = (args: ReadonlyArray<string>, flags: ReadonlyMap<string, boolean>): string | null => {
  const known = new Map([...flags, ...builtIn])
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ""
    if (word === "--") return null
    if (!/^-[^\s]*$/.test(word) || word === "-") continue
    const name = word.split("=")[0] ?? word
    const isBoolean = known.get(name)
    if (isBoolean === undefined) {
      const near = closest(name, [...known.keys()])
      return `There is no option ${name}${near === undefined ? "." : `; did you mean ${near}?`}` +
        " A text that begins with a dash goes after --. Nothing was done."
    }
    // The parser would take the next word for the value.
    if (word === `${name}=`) return `${name} has no value. Nothing was done.`
    if (!isBoolean && !word.includes("=")) index += 1
  }
  return null
}
