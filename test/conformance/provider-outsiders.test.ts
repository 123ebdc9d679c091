import { describe, expect, it } from "@effect/vitest"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { providerChecks, providerOf, providerSuite, testPluginServices } from "reprise/testing"
import parrot from "../outsiders/providers/parrot.ts"
import sloppy from "../outsiders/providers/sloppy.ts"

const transcript = (
  { cwd, sessionId }: { readonly cwd: string; readonly sessionId: string },
  records: ReadonlyArray<{ readonly role: string; readonly text: string }>
) =>
  [
    { talk: { id: sessionId, cwd } },
    ...records.map(({ role, text }) => ({ who: role === "user" ? "person" : "parrot", words: text }))
  ].map((record) => `${JSON.stringify(record)}\n`).join("")

providerSuite("parrot, an outsider's page of data", providerOf(parrot, "parrot"), {
  transcript,
  options: { accent: "pirate" },
  live: { say: "the door is blue", ask: "recall", remembers: /the door is blue/ }
})

describe("the suite bites", () => {
  it.scopedLive("a sloppy provider is told each of its mistakes by name", () =>
    Effect.gen(function*() {
      const driver = yield* testPluginServices(providerOf(sloppy, "sloppy"))
      const checks = providerChecks(driver, {
        screens: new URL("../../plugins/providers/fake/screens/", import.meta.url),
        transcript: ({ sessionId }, records) =>
          [{ sessionId }, ...records].map((record) => `${JSON.stringify(record)}\n`).join("")
      })
      const failed: Array<string> = []
      for (const { name, run } of checks) if ((yield* Effect.exit(run))._tag === "Failure") failed.push(name)
      expect(failed).toEqual([
        "options: the sample is accepted, unknown names are refused, nothing throws",
        "command: plain data that starts one of the executables, with no shell",
        "command: a new conversation gets the id that was chosen for it",
        "command: fresh, resume and fork exclude one another",
        "command: what can't be done is refused, never a silent fresh start",
        "command: hostile text stays inside its own word",
        "address: absolute, steady, one file a session, and no id leaves its directory",
        "transcript: whatever is in the file, reading it answers and claims nothing",
        "transcript: an empty or foreign file is nobody's conversation",
        "transcript: a truncated beginning never proves that nothing was said",
        "transcript: a torn end is told, and is no proof of silence",
        "transcript: a message is found as a whole one of a user, and only so",
        "screen: an empty one is unknown, whatever the title says",
        "screen: text that nobody knows is never idle, and reading it never throws",
        "screen: a recorded one is read as its name says",
        "screen: what an idle one shows is not idle once something else stands under it",
        "exit: every end is explained, with a kind and a sentence",
        "session report: a screen that says nothing gives no session"
      ])
    }).pipe(Effect.provide(NodeContext.layer)))
})
