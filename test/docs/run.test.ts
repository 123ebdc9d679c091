// What the documents show is run, in their order, in a workspace of each document's own.
import { describe, expect, it } from "@effect/vitest"
import { type Block, blocksOf, commandsOf, documents, members, missing } from "./blocks.ts"
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
  const place = `${block.document}:${block.line}`
  if (block.language === "json") {
    const line = shown.split("\n").find((text) => text.startsWith("{")) ?? ""
    expect(members(JSON.parse(line)), place).toEqual(members(JSON.parse(block.text)))
  } else expect(missing(block.text, shown), `${place}\n${shown}`).toBeNull()
}

describe.concurrent.each(documents)("%s", (document) => {
  const blocks = blocksOf(document)
  it.runIf(hasTmux && blocks.some(({ marks }) => marks.has("run")))("does what it shows", async () => {
    const world = openWorld()
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
