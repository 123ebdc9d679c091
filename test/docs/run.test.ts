// What the documents show is run, in their order, in a workspace of each document's own.
import { beforeAll, describe, expect, it } from "@effect/vitest"
import { type Block, blocksOf, commandsOf, differentMembers, documents, missing } from "./blocks.ts"
import { builtCommand } from "../house/built.ts"
import { hasTmux, openWorld, type World } from "./world.ts"

const runBlock = async (world: World, block: Block): Promise<string> => {
  let shown = ""
  for (const { command, exit } of commandsOf(block)) {
    const { code, out } = await world.run(command)
    expect(code, `${block.document}:${block.line} ${command}\n${out}`).toBe(exit)
    shown += out
  }
  return shown
}

const compare = (block: Block, shown: string): void => {
  const line = shown.split("\n").find((text) => text.startsWith("{")) ?? "{}"
  const differences = block.language === "json"
    ? differentMembers(JSON.parse(block.text), JSON.parse(line))
    : missing(block.text, shown)
  expect(differences, `${block.document}:${block.line}\n${shown}`).toBeNull()
}

let command = "reprise"
beforeAll(async () => {
  if (hasTmux) command = await builtCommand()
}, 180_000)

describe.concurrent.each(documents)("%s", (document) => {
  const blocks = blocksOf(document)
  it.runIf(hasTmux && blocks.some(({ marks }) => marks.has("run")))("does what it shows", async () => {
    const world = openWorld(command)
    try {
      let shown = ""
      for (const block of blocks) {
        const file = block.marks.get("file")
        if (file !== undefined) world.write(file, block.text, block.marks.has("executable"))
        if (block.marks.has("run")) shown = await runBlock(world, block)
        if (block.marks.has("output")) compare(block, shown)
      }
    } finally {
      await world.close()
    }
  }, 300_000)
})
