import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { capabilities, type Row } from "./claims.ts"

const page = fileURLToPath(new URL("../../docs/clis.md", import.meta.url))
const markers = { begin: "<!-- the table of test:clis begins -->", end: "<!-- the table of test:clis ends -->" }

const columns = (rows: ReadonlyArray<Row>) => [...new Map(rows.map((row) => [row.cli, row.version])).entries()]

const cell = (row: Row | undefined): string =>
  row === undefined ? "" : row.result === "unsupported" ? `unsupported: ${row.reason ?? ""}` : row.result

const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

/** The table in Markdown: a capability a line, a CLI a column. */
export const markdown = (rows: ReadonlyArray<Row>): string => {
  const clis = columns(rows)
  return [
    line(["capability", ...clis.map(([cli, version]) => `${cli} ${version}`)]),
    line(["---", ...clis.map(() => "---")]),
    ...capabilities.map((capability) =>
      line([capability, ...clis.map(([cli]) => cell(rows.find((row) => row.cli === cli && row.capability === capability)))])
    )
  ].join("\n")
}

/** The table for people at a terminal, with the reasons below it. */
export const table = (rows: ReadonlyArray<Row>): string => {
  const reasons = rows.filter(({ result }) => result === "fail").map((row) =>
    `${row.cli}, ${row.capability}: ${row.reason}`
  )
  return [markdown(rows), ...reasons].join("\n")
}

/** Puts the table into its place in the docs. */
export const writeTable = (rows: ReadonlyArray<Row>): void => {
  const text = readFileSync(page, "utf8")
  const begin = text.indexOf(markers.begin)
  const end = text.indexOf(markers.end)
  if (begin < 0 || end < begin) throw new Error(`${page} has no place for the table.`)
  writeFileSync(page, `${text.slice(0, begin + markers.begin.length)}\n${markdown(rows)}\n${text.slice(end)}`)
}
