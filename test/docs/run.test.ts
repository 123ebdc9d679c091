// What the documents show is run, in their order, in a workspace of each document's own.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Block, blocksOf, commandsOf, differentMembers, documents, missing } from "./blocks.ts"
import { hasTmux, installCommand, openWorld, type World } from "./world.ts"

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

let installed: Awaited<ReturnType<typeof installCommand>> | undefined
beforeAll(async () => {
  if (hasTmux) installed = await installCommand()
}, 180_000)
afterAll(() => installed?.remove())

describe.concurrent.each(documents)("%s", (document) => {
  const blocks = blocksOf(document)
  it.runIf(hasTmux && blocks.some(({ marks }) => marks.has("run")))("does what it shows", async () => {
    const world = openWorld(installed?.command ?? "reprise")
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
