// The TypeScript of the documents compiles with the settings of the project, and what should not, does not.
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bin, node, temporary } from "../house/clone.ts"
import { root } from "../house/sources.ts"
import { type Block, blocksOf, documents } from "./blocks.ts"

const box = temporary("docs")
const typescript = documents.flatMap(blocksOf).filter(({ language }) => language === "ts")
const fileOf = (block: Block): string =>
  join(block.document.replaceAll(/\W/g, "-"), block.marks.get("file") ?? `line-${block.line}.ts`)

/** What the document shows of the compiler's complaint about a block, line by line. */
const complaintAfter = (block: Block): ReadonlyArray<string> => {
  const blocks = blocksOf(block.document)
  const after = blocks[blocks.findIndex(({ line }) => line === block.line) + 1]
  return after?.marks.has("compiler") === true ? after.text.trim().split("\n").map((line) => line.trim()) : []
}

beforeAll(() => {
  symlinkSync(join(root, "node_modules"), join(box, "node_modules"), "dir")
  writeFileSync(join(box, "package.json"), `{ "type": "module" }`)
  writeFileSync(join(box, "tsconfig.json"), JSON.stringify({
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      paths: Object.fromEntries([["reprise", "sdk"], ["reprise/plugin", "sdk/plugin"], ["reprise/testing", "sdk/testing"]]
        .map(([name = "", folder = ""]) => [name, [join(root, folder, "index.ts")]]))
    },
    include: ["*/*.ts"]
  }))
  for (const block of typescript) {
    mkdirSync(join(box, block.document.replaceAll(/\W/g, "-")), { recursive: true })
    writeFileSync(join(box, fileOf(block)), block.text)
  }
})
afterAll(() => rmSync(box, { recursive: true, force: true }))

it("compiles, or fails as the text says", async () => {
  const { out } = await node(box, [bin("typescript"), "-p", ".", "--pretty", "false"])
  const errors = out.split(/\n(?=\S)/)
  expect(typescript.length).toBeGreaterThan(5)
  const surprises = typescript.flatMap((block) => {
    const own = errors.filter((error) => error.startsWith(fileOf(block))).join("\n")
    const words = block.marks.get("does-not-compile")
    const expected = words === undefined ? own === "" : [words, ...complaintAfter(block)].every((part) => own.includes(part))
    return expected ? [] : [`${block.document}:${block.line} ${own === "" ? "compiles" : own}`]
  })
  expect(surprises).toEqual([])
}, 120_000)
