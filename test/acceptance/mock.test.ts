// The mock model itself, with nothing of a CLI: what it answers, and what it tells of a request.
import { describe, expect, it } from "@effect/vitest"
import { holdsAnywhere, holdsEarlier } from "./mock/requests.ts"
import { orderIn, replyTo, type Turn } from "./mock/script.ts"
import { type Mock, startMock } from "./mock/server.ts"

const withMock = async (run: (mock: Mock) => Promise<void>): Promise<void> => {
  const mock = await startMock()
  try {
    await run(mock)
  } finally {
    await mock.close()
  }
}

const post = (url: string, body: object): Promise<Response> =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })

const claude = (messages: ReadonlyArray<object>) => ({
  model: "m",
  stream: true,
  system: [{ type: "text", text: "You are a CLI." }],
  tools: [{ name: "Bash" }, { name: "Read" }],
  metadata: { user_id: JSON.stringify({ session_id: "6e68b529-8693-484a-bd9c-abc1cba6b119" }) },
  messages
})

const codex = (input: ReadonlyArray<object>) => ({
  model: "m",
  stream: true,
  instructions: "You are a CLI.",
  prompt_cache_key: "01a205c7-654e-75e3-b944-bd53c2883a62",
  tools: [{ type: "function", name: "exec_command" }],
  input
})

const codexSaid = (role: string, text: string) => ({ type: "message", role, content: [{ type: "input_text", text }] })

describe("the orders in a message", () => {
  it("reads each of them", () => {
    expect(orderIn("say hello")).toEqual({ order: "say", text: "hello", slowMs: 0 })
    expect(orderIn("slow 1.5 say done")).toEqual({ order: "say", text: "done", slowMs: 1500 })
    expect(orderIn("hang")).toEqual({ order: "hang" })
    expect(orderIn("error 429 retry 3 reset 60 times 2")).toEqual({
      order: "error",
      status: 429,
      retrySeconds: 3,
      resetSeconds: 60,
      times: 2
    })
    expect(orderIn("bash touch x")).toEqual({ order: "bash", command: "touch x", needsApproval: false })
    expect(orderIn("tool mcp__a__b {\"c\": 1}")).toEqual({ order: "tool", name: "mcp__a__b", input: "{\"c\": 1}" })
  })
  it("takes the last line that is one, and echoes what is none", () => {
    expect(orderIn("some text\nsay first\nmore\nsay second")).toMatchObject({ text: "second" })
    expect(orderIn("saying nothing special")).toMatchObject({ order: "say", text: "noted: saying nothing special" })
  })
  it("searches for a deferred tool first, calls it, then tells what came out", () => {
    const turn: Turn = { messages: [{ role: "user", text: "tool whoami" }], called: [], toolResult: null, tools: ["ToolSearch"] }
    const reply = (called: ReadonlyArray<string>, toolResult: string | null) =>
      replyTo({ ...turn, called, toolResult }, (command) => ({ name: "sh", input: command }), 0)
    expect(reply([], null)).toMatchObject({ reply: "call", name: "ToolSearch" })
    expect(reply(["ToolSearch"], "found")).toMatchObject({ reply: "call", name: "whoami" })
    expect(reply(["ToolSearch", "whoami"], "w1")).toMatchObject({ reply: "text", text: "the tool said: w1" })
  })
})

describe("the Messages protocol", () => {
  it("streams an answer and logs the conversation without what the CLI adds", () =>
    withMock(async (mock) => {
      const answer = await post(`${mock.anthropic}/v1/messages?beta=true`, claude([
        { role: "user", content: "I keep apples" },
        { role: "assistant", content: [{ type: "text", text: "noted" }] },
        { role: "user", content: [{ type: "text", text: "<system-reminder>x</system-reminder>" }, { type: "text", text: "say so do I" }] }
      ]))
      const events = await answer.text()
      expect(events).toContain("\"text\":\"so do I\"")
      expect(events).toContain("event: message_stop")
      const [request] = mock.requests.turns()
      expect(request).toMatchObject({ session: "6e68b529-8693-484a-bd9c-abc1cba6b119", protocol: "messages", kind: "turn" })
      expect(request?.messages.at(-1)).toEqual({ role: "user", text: "say so do I" })
      if (request === undefined) return
      expect(holdsEarlier(request, "apples")).toBe(true)
      expect(holdsEarlier(request, "so do I")).toBe(false)
      expect(holdsAnywhere(request, "pears")).toBe(false)
    }))
  it("calls the shell once, and fails with hints as often as it is told", () =>
    withMock(async (mock) => {
      const url = `${mock.anthropic}/v1/messages`
      const call = await (await post(url, claude([{ role: "user", content: "bash touch x" }]))).text()
      expect(call).toContain("\"name\":\"Bash\"")
      const after = await (await post(url, claude([
        { role: "user", content: "bash touch x" },
        { role: "assistant", content: [{ type: "tool_use", id: "t", name: "Bash", input: {} }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "made" }, { type: "text", text: "by the way" }] }
      ]))).text()
      expect(after).toContain("the tool said: made")
      const failing = claude([{ role: "user", content: "error 429 retry 7 reset 60 times 1" }])
      const failed = await post(url, failing)
      expect([failed.status, failed.headers.get("retry-after")]).toEqual([429, "7"])
      expect(Number(failed.headers.get("anthropic-ratelimit-unified-reset"))).toBeGreaterThan(Date.now() / 1000)
      expect(await (await post(url, failing)).text()).toContain("answered after 1 failures")
    }))
  it("counts nothing but conversations as turns", () =>
    withMock(async (mock) => {
      await post(`${mock.anthropic}/v1/messages/count_tokens`, {})
      await post(`${mock.anthropic}/v1/messages`, { ...claude([{ role: "user", content: "a title?" }]), tools: [] })
      expect(mock.requests.turns()).toEqual([])
    }))
})

describe("the Responses protocol", () => {
  it("streams an answer and logs the conversation without what the CLI adds", () =>
    withMock(async (mock) => {
      const answer = await post(`${mock.openai}/responses`, codex([
        codexSaid("user", "<environment_context>x</environment_context>"),
        codexSaid("user", "I keep pears"),
        codexSaid("assistant", "noted"),
        codexSaid("user", "say so do I")
      ]))
      const events = await answer.text()
      expect(events).toContain("event: response.completed")
      expect(events).toContain("\"delta\":\"so do I\"")
      const [request] = mock.requests.turns()
      expect(request?.messages.map(({ text }) => text)).toEqual(["I keep pears", "noted", "say so do I"])
      expect(request?.session).toBe("01a205c7-654e-75e3-b944-bd53c2883a62")
    }))
  it("calls the shell, tells a usage limit, and leaves title requests out", () =>
    withMock(async (mock) => {
      const url = `${mock.openai}/responses`
      expect(await (await post(url, codex([codexSaid("user", "bash ls")]))).text()).toContain("\\\"cmd\\\":\\\"ls\\\"")
      const limit = await post(url, codex([codexSaid("user", "error 429 reset 60")]))
      expect(await limit.json()).toMatchObject({ error: { type: "usage_limit_reached", resets_in_seconds: 60 } })
      await post(url, codex([codexSaid("user", "Generate a concise, single-line task title of: hang")]))
      expect(mock.requests.turns().length).toBe(2)
      expect(mock.requests.all().length).toBe(3)
    }))
  it("hangs until the CLI hangs up", () =>
    withMock(async (mock) => {
      const stop = new AbortController()
      const answer = await fetch(`${mock.openai}/responses`, {
        method: "POST",
        body: JSON.stringify(codex([codexSaid("user", "hang")])),
        signal: stop.signal
      })
      expect(answer.status).toBe(200)
      stop.abort()
      await expect(answer.text()).rejects.toThrow()
    }))
})
