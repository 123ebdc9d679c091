import { providerOf, providerSuite } from "reprise/testing"
import fake from "../../plugins/providers/fake/index.ts"

providerSuite("fake", providerOf(fake, "fake"), {
  screens: new URL("../../plugins/providers/fake/screens/", import.meta.url),
  transcript: ({ cwd, marker, sessionId }, records) =>
    [{ sessionId, cwd, agent: marker }, ...records.map((record) => ({ ...record, at: "2030-01-01T00:00:00.000Z" }))]
      .map((record) => `${JSON.stringify(record)}\n`).join(""),
  live: { say: "the door is blue", ask: "recall", remembers: /the door is blue/, approval: "/approve" }
})
