import type { IncomingHttpHeaders } from "node:http"
import { field, list, parsed, text } from "./json.ts"
import type { ModelRequest } from "./requests.ts"
import type { Reply, ShellCall, Turn } from "./script.ts"
import type { Wire } from "./wire.ts"

// The Messages protocol, as far as a coding CLI speaks it.

/** What the CLI adds to a message of its own accord. */
const added = /^\s*<(system-reminder|local-command|command-name|command-message|bash-)|^# Environment\n/

const textsOf = (content: unknown): ReadonlyArray<string> =>
  typeof content === "string"
    ? [content]
    : list(content).filter((block) => field(block, "type") === "text").map((block) => text(field(block, "text")))

const blocks = (content: unknown, type: string): ReadonlyArray<unknown> =>
  list(content).filter((block) => field(block, "type") === type)

export const readMessages = (path: string, headers: IncomingHttpHeaders, body: string) => {
  const json = parsed(body)
  const messages: Array<Turn["messages"][number]> = []
  let called: Array<string> = []
  let toolResult: string | null = null
  for (const message of list(field(json, "messages"))) {
    const content = field(message, "content")
    const role = field(message, "role")
    // There are others: what the CLI tells of its environment.
    if (role !== "assistant" && role !== "user") continue
    const said = textsOf(content).filter((each) => each.trim() !== "" && !added.test(each))
    if (role === "user") {
      const results = blocks(content, "tool_result")
      for (const result of results) toolResult = textsOf(field(result, "content")).join("\n")
      if (said.length > 0 && results.length === 0) called = []
    }
    for (const use of blocks(content, "tool_use")) called.push(text(field(use, "name")))
    // Words beside a tool's result are the CLI's (a refusal, a reminder), not a message of the user.
    if (said.length > 0 && !(role === "user" && blocks(content, "tool_result").length > 0)) {
      messages.push({ role, text: said.join("\n") })
    }
  }
  const tools = list(field(json, "tools")).map((tool) => text(field(tool, "name")))
  const system = textsOf(field(json, "system")).join("\n")
  const user = text(field(json, "metadata", "user_id"))
  const session = text(field(parsed(user), "session_id")) || (/_session_([0-9a-f-]{36})$/.exec(user)?.[1] ?? "")
  const turn: Turn = { messages, called, toolResult, tools }
  const request: Omit<ModelRequest, "number" | "at"> = {
    protocol: "messages",
    path,
    // A conversation is offered tools; titles, summaries and checks are not.
    kind: /\/messages(\?|$)/.test(path) && tools.length > 1 ? "turn" : "side",
    session: session === "" ? null : session,
    model: text(field(json, "model")),
    messages,
    toolResult,
    tools,
    system,
    key: text(headers["x-api-key"]) || text(headers.authorization).replace(/^Bearer /, ""),
    body
  }
  return { turn, request, stream: field(json, "stream") === true }
}

export const claudeShell: ShellCall = (command) => ({
  name: "Bash",
  input: JSON.stringify({ command, description: "As it was asked" })
})

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error"
}

/** An error with its hints: when to try again, and when a usage limit is lifted. */
export const messagesError = (reply: Extract<Reply, { reply: "error" }>) => {
  const headers: Record<string, string> = { "content-type": "application/json" }
  if (reply.status < 429 || reply.resetSeconds !== null) headers["x-should-retry"] = "false"
  if (reply.retrySeconds !== null) headers["retry-after"] = String(reply.retrySeconds)
  if (reply.resetSeconds !== null) {
    headers["anthropic-ratelimit-unified-status"] = "rejected"
    headers["anthropic-ratelimit-unified-representative-claim"] = "five_hour"
    headers["anthropic-ratelimit-unified-reset"] = String(Math.floor(Date.now() / 1000) + reply.resetSeconds)
  }
  const type = errorTypes[reply.status] ?? "api_error"
  return { headers, body: { type: "error", error: { type, message: `mock error ${reply.status}` } } }
}

const usage = { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }

const messageOf = (id: string, model: string, content: ReadonlyArray<object>, stop: string | null) => ({
  id,
  type: "message",
  role: "assistant",
  model,
  content,
  stop_reason: stop,
  stop_sequence: null,
  usage
})

/** Sends an answer as events. */
export const streamMessages = async (wire: Wire, model: string, number: number, reply: Reply): Promise<void> => {
  const event = (type: string, members: object) => wire.event(type, { type, ...members })
  const id = `msg_mock_${number}`
  event("message_start", { message: messageOf(id, model, [], null) })
  event("ping", {})
  if (reply.reply === "hang") return await wire.hang(() => event("ping", {}))
  if (reply.reply === "text") {
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } })
    await wire.pieces(reply.text, reply.slowMs, (piece) =>
      event("content_block_delta", { index: 0, delta: { type: "text_delta", text: piece } }))
  }
  if (reply.reply === "call") {
    const block = { type: "tool_use", id: `toolu_mock_${number}`, name: reply.name, input: {} }
    event("content_block_start", { index: 0, content_block: block })
    event("content_block_delta", { index: 0, delta: { type: "input_json_delta", partial_json: reply.input } })
  }
  event("content_block_stop", { index: 0 })
  const stop = reply.reply === "call" ? "tool_use" : "end_turn"
  event("message_delta", { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 5 } })
  event("message_stop", {})
}

/** The same as one document. */
export const wholeMessage = (model: string, number: number, reply: Reply) =>
  reply.reply === "call"
    ? messageOf(`msg_mock_${number}`, model, [
      { type: "tool_use", id: `toolu_mock_${number}`, name: reply.name, input: parsed(reply.input) }
    ], "tool_use")
    : messageOf(`msg_mock_${number}`, model, [
      { type: "text", text: reply.reply === "text" ? reply.text : "ok" }
    ], "end_turn")
