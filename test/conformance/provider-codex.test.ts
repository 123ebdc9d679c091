import { providerOf, providerSuite } from "reprise/testing"
import codex from "../../plugins/providers/codex/index.ts"

const said = (role: string, text: string) => ({
  type: "response_item",
  payload: { type: "message", role, content: [{ type: role === "assistant" ? "output_text" : "input_text", text }] }
})

providerSuite("codex", providerOf(codex, "codex"), {
  agent: { permissions: "workspace-write" },
  screens: new URL("../../plugins/providers/codex/screens/0.169.0/", import.meta.url),
  transcript: ({ cwd, marker, sessionId }, records) =>
    [
      { type: "session_meta", payload: { id: sessionId, cwd, originator: "codex-tui", source: "cli" } },
      said("developer", `[reprise agent ${marker}]\n\nYou write code.`),
      said("user", "<environment_context>\n  <cwd>/elsewhere</cwd>\n</environment_context>"),
      ...records.map(({ role, text }) => said(role, text))
    ].map((record) => `${JSON.stringify({ timestamp: "2030-01-01T00:00:00.000Z", ...record })}\n`).join("")
})
