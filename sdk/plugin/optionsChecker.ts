import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Json } from "../domain/json.ts"
import type { OptionProblem } from "./provider-driver.ts"

const expectation = /^Expected (.+), actual ([^]*)$/

/** The members of a union are told one by one; people get one sentence for the place. */
const oneSentence = (messages: ReadonlyArray<string>): string => {
  const read = messages.map((message) => expectation.exec(message))
  const wanted = read.map((match) => match?.[1]).filter((name) => name !== undefined && name !== "undefined")
  const actual = read.at(-1)?.[2]
  return read.includes(null) || wanted.length === 0 || actual === undefined
    ? [...new Set(messages)].join("; ")
    : `Expected ${[...new Set(wanted)].join(" or ")}, actual ${actual}`
}

/** A struct without members takes any value at all, also with strict excess: such a schema has to be seen. */
const hasNoMembers = ({ ast }: Schema.Schema.All): boolean =>
  ast._tag === "TypeLiteral" && ast.propertySignatures.length === 0 && ast.indexSignatures.length === 0

/**
 * Makes a driver's `checkOptions` from a Schema of the agent's options. All problems are told at once, each where it
 * is; a key that the Schema doesn't have is one.
 */
export const optionsChecker = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })
  const takesNone = hasNoMembers(schema)
  return (options: Readonly<Record<string, Json>>): ReadonlyArray<OptionProblem> => {
    if (takesNone) return Object.keys(options).map((name) => ({ path: [name], problem: "there is no such option" }))
    const decoded = decode(options)
    if (Either.isRight(decoded)) return []
    const places = new Map<string, { readonly path: ReadonlyArray<string>; readonly messages: Array<string> }>()
    for (const { message, path } of ParseResult.ArrayFormatter.formatErrorSync(decoded.left)) {
      const steps = path.map((step) => String(step))
      const key = steps.join("\0")
      const place = places.get(key) ?? { path: steps, messages: [] }
      place.messages.push(message)
      places.set(key, place)
    }
    return [...places.values()].map(({ messages, path }) => ({ path, problem: oneSentence(messages) }))
  }
}
