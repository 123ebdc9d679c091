import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import { kindOf } from "../spec/team-file-schema.ts"

const orWords = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

const wanted = (ast: AST.AST): string => {
  switch (ast._tag) {
    case "Literal":
      return ast.literal === null ? "nothing" : JSON.stringify(String(ast.literal))
    case "Union":
      return orWords([...new Set(ast.types.map(wanted))])
    case "StringKeyword":
      return "text"
    case "NumberKeyword":
      return "a number"
    case "BooleanKeyword":
      return "true or false"
    case "TupleType":
      return "a list"
    case "Refinement":
      return Option.getOrElse(AST.getDescriptionAnnotation(ast), () => wanted(ast.from))
    case "Transformation":
      return wanted(ast.from)
    default:
      return "a mapping"
  }
}

const shown = (value: unknown): string => typeof value === "string" ? JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value) : kindOf(value)

/** What a JSON parser says, without the text that it quotes: a file that is no JSON may hold anything. */
const withoutText = (says: string): string => {
  const what = /^(Unexpected end of JSON input|Unexpected token|Unexpected non-whitespace character|Unexpected \w+|Expected [a-z ]+?(?= in JSON| at )|Bad [a-z ]+?(?= in JSON)|Unterminated \w+)/.exec(says)?.[0] ?? "not valid"
  const where = /at position \d+( \(line \d+ column \d+\))?/.exec(says.slice(-60))?.[0]
  return where === undefined ? what.trim() : `${what.trim()} ${where}`
}

type Path = ReadonlyArray<PropertyKey>

/** The first problem beneath: where it is, and what. */
const found = (issue: ParseResult.ParseIssue, path: Path): { readonly path: Path; readonly says: string } => {
  const misfit = (ast: AST.AST, actual: unknown) => ({ path, says: `is ${shown(actual)}, and has to be ${wanted(ast)}` })
  switch (issue._tag) {
    case "Pointer":
      return found(issue.issue, [...path, ...[issue.path].flat()])
    case "Missing":
      return { path, says: "is missing" }
    case "Unexpected":
    case "Forbidden":
      return { path, says: "can't be here" }
    case "Type":
      return issue.message === undefined ? misfit(issue.ast, issue.actual) : { path, says: issue.message }
    case "Refinement":
      return issue.kind === "Predicate" && issue.issue._tag === "Type" && issue.issue.message === undefined
        ? misfit(issue.ast, issue.actual)
        : found(issue.issue, path)
    case "Transformation": {
      const inner = found(issue.issue, path)
      return issue.kind === "Transformation" ? { path, says: `is no JSON (${withoutText(inner.says)})` } : inner
    }
    case "Composite": {
      const all = [issue.issues].flat().map((one) => found(one, path))
      const [first = misfit(issue.ast, issue.actual)] = all
      if (issue.ast._tag !== "Union") return first
      // Of several kinds that it might be, the one that fits best says what is wrong with it.
      return all.find((one) => one.path.length > path.length) ?? misfit(issue.ast, issue.actual)
    }
  }
}

/** What is wrong with the value in a JSON text, the first of it, with its path: `agents.0.decision.kind is "explode", and has to be …`. */
export const firstProblem = (error: ParseResult.ParseError): string => {
  const { path, says } = found(error.issue, [])
  return `${path.length === 0 ? "it" : path.map(String).join(".")} ${says}`
}
