// What the model does next, decided by words in the newest message of the user. A line of it that begins with one of
// these words is the order (the last such line counts); any other message is answered with an echo.
//
//   say TEXT                    answers TEXT
//   slow SECONDS [say TEXT]     streams the answer over that time
//   hang                        begins to answer and never goes on
//   error STATUS [retry SECONDS] [reset SECONDS] [times N]
//                               fails so, with hints; after N times it answers
//   bash COMMAND                asks for the CLI's shell tool, then answers with what came out
//   ask COMMAND                 the same, as a command that needs the user's approval
//   tool NAME [JSON]            asks for that tool, searching for it first where it is deferred

export type Order =
  | { readonly order: "say"; readonly text: string; readonly slowMs: number }
  | { readonly order: "hang" }
  | {
    readonly order: "error"
    readonly status: number
    readonly retrySeconds: number | null
    readonly resetSeconds: number | null
    /** Null: each time. */
    readonly times: number | null
  }
  | { readonly order: "bash"; readonly command: string; readonly needsApproval: boolean }
  | { readonly order: "tool"; readonly name: string; readonly input: string }

const numberAfter = (word: string, text: string): number | null => {
  const found = new RegExp(`\\b${word} (\\d+(?:\\.\\d+)?)`).exec(text)?.[1]
  return found === undefined ? null : Number(found)
}

const parseLine = (line: string): Order | null => {
  const [, word, rest = ""] = /^\s*(say|slow|hang|error|bash|ask|tool)\b\s*(.*)$/.exec(line) ?? []
  switch (word) {
    case "say":
      return { order: "say", text: rest, slowMs: 0 }
    case "slow": {
      const [, seconds, text] = /^(\d+(?:\.\d+)?)(?:\s+say\s+(.*))?/.exec(rest) ?? []
      return seconds === undefined ? null : { order: "say", text: text ?? "slowly done", slowMs: Number(seconds) * 1000 }
    }
    case "hang":
      return { order: "hang" }
    case "error": {
      const status = /^\d{3}\b/.exec(rest)?.[0]
      if (status === undefined) return null
      return {
        order: "error",
        status: Number(status),
        retrySeconds: numberAfter("retry", rest),
        resetSeconds: numberAfter("reset", rest),
        times: numberAfter("times", rest)
      }
    }
    case "bash":
    case "ask":
      return rest === "" ? null : { order: "bash", command: rest, needsApproval: word === "ask" }
    case "tool": {
      const [, name, input] = /^([\w.-]+)\s*(\{.*\})?/.exec(rest) ?? []
      return name === undefined ? null : { order: "tool", name, input: input ?? "{}" }
    }
    default:
      return null
  }
}

/** The order in a user's message. */
export const orderIn = (text: string): Order => {
  const orders = text.split("\n").flatMap((line) => parseLine(line) ?? [])
  return orders.at(-1) ?? { order: "say", text: `noted: ${text.trim().slice(0, 80)}`, slowMs: 0 }
}

/** What the conversation holds, told the same for both protocols. */
export interface Turn {
  /** Texts of the user and answers of the model, oldest first; what a CLI adds of itself is left out. */
  readonly messages: ReadonlyArray<{ readonly role: "user" | "assistant"; readonly text: string }>
  /** Tools that were asked for since the newest message of the user, and what came out of the last one. */
  readonly called: ReadonlyArray<string>
  readonly toolResult: string | null
  /** Names of the tools that are offered. */
  readonly tools: ReadonlyArray<string>
}

/** What is sent back. */
export type Reply =
  | { readonly reply: "text"; readonly text: string; readonly slowMs: number }
  | { readonly reply: "hang" }
  | {
    readonly reply: "error"
    readonly status: number
    readonly retrySeconds: number | null
    readonly resetSeconds: number | null
  }
  | { readonly reply: "call"; readonly name: string; readonly input: string }

/** How a CLI names its shell tool and what it wants to be told. */
export type ShellCall = (command: string, needsApproval: boolean) => { readonly name: string; readonly input: string }

/** What to send back for a turn; `failures` is how often this message has failed already. */
export const replyTo = (turn: Turn, shell: ShellCall, failures: number): Reply => {
  const said = turn.messages.findLast(({ role }) => role === "user")?.text ?? ""
  const order = orderIn(said)
  switch (order.order) {
    case "say":
      return { reply: "text", text: order.text, slowMs: order.slowMs }
    case "hang":
      return { reply: "hang" }
    case "error":
      return order.times !== null && failures >= order.times
        ? { reply: "text", text: `answered after ${failures} failures`, slowMs: 0 }
        : { reply: "error", status: order.status, retrySeconds: order.retrySeconds, resetSeconds: order.resetSeconds }
    case "bash":
    case "tool": {
      const wanted = order.order === "bash" ? shell(order.command, order.needsApproval) : { name: order.name, input: order.input }
      const last = turn.called.at(-1)
      if (last === undefined && !turn.tools.includes(wanted.name) && turn.tools.includes("ToolSearch")) {
        return { reply: "call", name: "ToolSearch", input: JSON.stringify({ query: `select:${wanted.name}`, max_results: 5 }) }
      }
      if (last === undefined || (last === "ToolSearch" && wanted.name !== "ToolSearch")) return { reply: "call", ...wanted }
      return { reply: "text", text: `the tool said: ${(turn.toolResult ?? "").slice(0, 400)}`, slowMs: 0 }
    }
  }
}
