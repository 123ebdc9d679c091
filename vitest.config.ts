import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const report = process.env["REPRISE_TEST_REPORT"]

export default defineConfig({
  resolve: {
    // The sources, never the build: what `--conditions=source` does for tsx.
    alias: [
      { find: /^reprise\/plugin$/, replacement: here("sdk/plugin/index.ts") },
      { find: /^reprise\/testing$/, replacement: here("sdk/testing/index.ts") },
      { find: /^reprise$/, replacement: here("sdk/index.ts") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/house/temporary-directory.ts"],
    // Tests mostly wait for processes of their own, so two cores can serve two files at once.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    minWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // In CI a test that failed is tried once more, and reported as retried: real servers are killed there on a machine
    // that others use too. Elsewhere a failure is one at once.
    retry: process.env["CI"] === undefined ? 0 : 1,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]]
  }
})
