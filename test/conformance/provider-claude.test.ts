import { providerOf, providerSuite } from "reprise/testing"
import claude from "../../plugins/providers/claude/index.ts"

providerSuite("claude", providerOf(claude, "claude"), {
  screens: new URL("../../plugins/providers/claude/screens/2.1.330/", import.meta.url),
  transcript: ({ cwd, marker, sessionId }, records) =>
    [
      { type: "agent-name", agentName: `reprise:${marker}`, sessionId },
      { type: "mode", mode: "normal", sessionId },
      { type: "attachment", attachment: { type: "environment" }, cwd, sessionId },
      ...records.map(({ role, text }) => ({ type: role, message: { role, content: text }, cwd, sessionId }))
    ].map((record) => `${JSON.stringify(record)}\n`).join("")
})
