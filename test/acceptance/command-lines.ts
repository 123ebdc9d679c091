import { randomUUID } from "node:crypto"
import type { CliName } from "./pins.ts"

// How the bare CLIs are started: what the acceptance compares Reprise with, and what it uses as "a person by hand".

/** What the CLI asks before it runs a command: nothing, or each time. */
export type Asking = "never" | "always"

const claudeMode = (asking: Asking): ReadonlyArray<string> =>
  asking === "never" ? ["--dangerously-skip-permissions"] : ["--permission-mode", "default"]

const codexMode = (asking: Asking): ReadonlyArray<string> => [
  "--no-daemon",
  ...asking === "never"
    ? ["--dangerously-bypass-approvals-and-sandbox"]
    : ["--ask-for-approval", "on-request", "--sandbox", "workspace-write"]
]

/** The words after the program's name. */
export const bareCommand = (
  cli: CliName,
  conversation: { readonly fresh: string } | { readonly resume: string } | { readonly fork: string; readonly as: string },
  asking: Asking = "never"
): ReadonlyArray<string> => {
  if (cli === "claude") {
    const words = "fresh" in conversation
      ? ["--session-id", conversation.fresh]
      : "resume" in conversation
      ? ["--resume", conversation.resume]
      : ["--resume", conversation.fork, "--fork-session", "--session-id", conversation.as]
    return [...words, ...claudeMode(asking)]
  }
  const words = "fresh" in conversation
    ? []
    : "resume" in conversation
    ? ["resume", conversation.resume]
    : ["fork", conversation.fork]
  return [...words, ...codexMode(asking)]
}

export const newSessionId = (): string => randomUUID()
