import type { IncomingHttpHeaders } from "node:http"
import { field, list, parsed, text } from "./json.ts"
import type { ModelRequest } from "./requests.ts"
import type { Reply, ShellCall, Turn } from "./script.ts"
import type { Wire } from "./wire.ts"

// The Responses protocol, as far as a coding CLI speaks it.

/** What the CLI adds to the conversation of its own accord, in the user's name. */
const added = /^\s*(<(environment_context|user_instructions|INSTRUCTIONS|permissions|turn_aborted|skills|apps|plugins)|# AGENTS\.md)/

const textsOf = (content: unknown): string =>
  typeof content === "string" ? content : list(content).map((part) => text(field(part, "text"))).join("\n")

const outputOf = (output: unknown): string => typeof output === "string" ? output : textsOf(output)

const isTitle = (headers: IncomingHttpHeaders, body: string): boolean =>
  /thread_title/.test(text(headers["x-codex-turn-metadata"])) || /single-line task title/.test(body)

export const readResponses = (path: string, headers: IncomingHttpHeaders, body: string) => {
  const json = parsed(body)
  const messages: Array<Turn["messages"][number]> = []
  let called: Array<string> = []
  let toolResult: string | null = null
  for (const item of list(field(json, "input"))) {
    const type = text(field(item, "type"))
    const role = text(field(item, "role"))
    if (type.endsWith("_call")) called.push(text(field(item, "name")))
    if (type.endsWith("_call_output")) toolResult = outputOf(field(item, "output"))
    if (role !== "user" && role !== "assistant") continue
    const said = textsOf(field(item, "content"))
    if (role === "user" && added.test(said)) continue
    if (role === "user") called = []
    messages.push({ role, text: said })
  }
  const tools = list(field(json, "tools")).flatMap((tool) => {
    const name = text(field(tool, "name")) || text(field(tool, "type"))
    const inner = list(field(tool, "tools")).map((each) => `${name}${text(field(each, "name"))}`)
    return [name, ...inner]
  })
  const turn: Turn = { messages, called, toolResult, tools }
  const session = text(headers["session_id"]) || text(headers["session-id"]) || text(headers["conversation_id"]) ||
    text(field(json, "prompt_cache_key"))
  const developer = list(field(json, "input")).filter((item) => field(item, "role") === "developer")
    .map((item) => textsOf(field(item, "content")))
  const request: Omit<ModelRequest, "number" | "at"> = {
    protocol: "responses",
    path,
    kind: /\/responses(\?|$)/.test(path) && !isTitle(headers, body) ? "turn" : "side",
    session: session === "" ? null : session,
    model: text(field(json, "model")),
    messages,
    toolResult,
    tools,
    system: [text(field(json, "instructions")), ...developer].join("\n"),
    key: text(headers.authorization).replace(/^Bearer /, ""),
    body
  }
  return { turn, request, stream: field(json, "stream") !== false }
}

/** The shell tool has had several names. What needs no approval is run inside the sandbox. */
export const codexShell = (tools: ReadonlyArray<string>): ShellCall => (command, needsApproval) => {
  const outside = needsApproval ? { sandbox_permissions: "require_escalated", justification: "May it?" } : {}
  if (tools.includes("exec_command")) return { name: "exec_command", input: JSON.stringify({ cmd: command, ...outside }) }
  if (tools.includes("shell_command")) return { name: "shell_command", input: JSON.stringify({ command, ...outside }) }
  return { name: "shell", input: JSON.stringify({ command: ["bash", "-lc", command], ...outside }) }
}

/** An error with its hints: when to try again, and when a usage limit is lifted. */
export const responsesError = (reply: Extract<Reply, { reply: "error" }>) => {
  const headers: Record<string, string> = { "content-type": "application/json" }
  if (reply.retrySeconds !== null) headers["retry-after"] = String(reply.retrySeconds)
  const limit = reply.resetSeconds === null ? {} : {
    type: "usage_limit_reached",
    plan_type: "pro",
    resets_at: Math.floor(Date.now() / 1000) + reply.resetSeconds,
    resets_in_seconds: reply.resetSeconds
  }
  const type = reply.status === 401 ? "invalid_request_error" : reply.status === 429 ? "rate_limit_exceeded" : "server_error"
  return { headers, body: { error: { type, code: type, message: `mock error ${reply.status}`, ...limit } } }
}

const usage = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 15
}

/** Sends an answer as events. */
export const streamResponses = async (wire: Wire, model: string, number: number, reply: Reply): Promise<void> => {
  let sequence = 0
  const event = (type: string, members: object) => wire.event(type, { type, sequence_number: sequence++, ...members })
  const id = `resp_mock_${number}`
  const response = { id, object: "response", created_at: Math.floor(Date.now() / 1000), model }
  event("response.created", { response: { ...response, status: "in_progress", output: [] } })
  event("response.in_progress", { response: { ...response, status: "in_progress", output: [] } })
  if (reply.reply === "hang") {
    return await wire.hang(() => event("response.in_progress", { response: { ...response, status: "in_progress", output: [] } }))
  }
  const output: Array<object> = []
  if (reply.reply === "text") {
    const item = { type: "message", id: `msg_mock_${number}`, role: "assistant" }
    const place = { item_id: item.id, output_index: 0, content_index: 0 }
    event("response.output_item.added", { output_index: 0, item: { ...item, status: "in_progress", content: [] } })
    event("response.content_part.added", { ...place, part: { type: "output_text", text: "", annotations: [] } })
    await wire.pieces(reply.text, reply.slowMs, (delta) => event("response.output_text.delta", { ...place, delta }))
    const part = { type: "output_text", text: reply.text, annotations: [] }
    event("response.output_text.done", { ...place, text: reply.text })
    event("response.content_part.done", { ...place, part })
    output.push({ ...item, status: "completed", content: [part] })
  }
  if (reply.reply === "call") {
    // A tool of an MCP server is named with it: `mcp__docs.search`.
    const [, namespace, tool] = /^(.+)\.([^.]+)$/.exec(reply.name) ?? []
    const named = tool === undefined ? { name: reply.name } : { name: tool, namespace }
    const item = { type: "function_call", id: `fc_mock_${number}`, call_id: `call_mock_${number}`, ...named }
    event("response.output_item.added", { output_index: 0, item: { ...item, status: "in_progress", arguments: "" } })
    event("response.function_call_arguments.done", { item_id: item.id, output_index: 0, arguments: reply.input })
    output.push({ ...item, status: "completed", arguments: reply.input })
  }
  for (const item of output) event("response.output_item.done", { output_index: 0, item })
  event("response.completed", { response: { ...response, status: "completed", output, usage } })
}
