import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Json } from "../domain/json.ts"
import type { OptionProblem } from "./provider-driver.ts"

/**
 * Makes a driver's `checkOptions` from a Schema of the agent's options. All problems are told at once, each where it
 * is; a key that the Schema doesn't have is one.
 */
export const optionsChecker = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })
  return (options: Readonly<Record<string, Json>>): ReadonlyArray<OptionProblem> => {
    const decoded = decode(options)
    return Either.isRight(decoded)
      ? []
      : ParseResult.ArrayFormatter.formatErrorSync(decoded.left).map(({ message, path }) => ({
        path: path.map((step) => String(step)),
        problem: message
      }))
  }
}
