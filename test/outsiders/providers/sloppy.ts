// A provider written in a hurry, as somebody else might: it compiles, and breaks the contract wherever that is easy.
// The suite has to name each of these mistakes.
import { definePlugin, Effect, Schema } from "reprise/plugin"

/** The first JSON value of a text, however broken. */
const guess = (text: string): Record<string, unknown> => {
  try {
    return { ...JSON.parse(text.split("\n")[0] ?? "") }
  } catch {
    return {}
  }
}

export default definePlugin({
  name: "provider-sloppy",
  api: 1,
  needs: {},
  options: Schema.Struct({}),
  setup: () =>
    Effect.succeed({
      providers: {
        sloppy: {
          capabilities: {
            resume: true,
            fork: false,
            preassignedSession: true,
            mcp: false,
            headless: false,
            resumeConcurrency: "parallel" as const
          },
          executables: ["sloppy"],
          // Any option will do.
          checkOptions: () => [],
          // A shell, words that fall apart, and a resume of whatever was last.
          command: ({ agent, mode }) =>
            Effect.succeed({
              argv: ["sh", "-c", ...`sloppy --role ${agent.role} ${mode === "resume" ? "--continue" : ""}`.split(" ")],
              env: {},
              files: [{ path: "prompt.md", content: agent.prompt ?? "" }],
              configHome: null,
              account: null
            }),
          sessionAddress: (agent, sessionId) => ({
            directory: `${agent.workspace}/.sloppy`,
            transcript: `${agent.workspace}/.sloppy/${sessionId}`
          }),
          readTranscript: (head) => ({
            sessionId: String(guess(head)["sessionId"] ?? "unknown"),
            cwd: null,
            marker: null,
            spokenTo: head.includes("\"role\":\"user\""),
            whole: true
          }),
          holdsUserMessage: (tail, text) => tail.includes(text),
          // What is not busy is idle.
          classify: (screen) => screen.lines.some((line) => line.includes("working")) ? "busy" : "idle",
          startupPrompt: () => null,
          approvalPrompt: () => null,
          draft: () => "",
          reportedSession: ({ screen }) => Effect.succeed(screen.lines.join(" ")),
          explainExit: ({ exit }) => {
            const reason = exit === null ? "" : "It died."
            return { kind: "crash", reason, retryable: true, retryAt: null }
          }
        }
      }
    })
})
