import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^reprise\/plugin$/, replacement: here("sdk/plugin/index.ts") },
      { find: /^reprise\/testing$/, replacement: here("sdk/testing/index.ts") },
      { find: /^reprise$/, replacement: here("sdk/index.ts") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
