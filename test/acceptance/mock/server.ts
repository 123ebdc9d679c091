import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:http"
import { claudeShell, messagesError, readMessages, streamMessages, wholeMessage } from "./anthropic.ts"
import { codexShell, readResponses, responsesError, streamResponses } from "./openai.ts"
import type { ModelRequest } from "./requests.ts"
import { makeRequests, newest } from "./requests.ts"
import type { Reply } from "./script.ts"
import { replyTo } from "./script.ts"
import { openWire } from "./wire.ts"

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString("utf8")
}

const json = (response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(JSON.stringify(body))
}

const side: Reply = { reply: "text", text: "Mock title", slowMs: 0 }

/** A model of our own on 127.0.0.1 that speaks the Messages and the Responses protocol and does what it is told. */
export const startMock = async (
  options: { readonly file?: string; readonly heard?: (request: ModelRequest) => void } = {}
) => {
  const requests = makeRequests(options.file ?? null, options.heard)
  const failures = new Map<string, number>()

  /** How to answer; a failure is counted by conversation and message. */
  const decide = (request: ModelRequest, reply: (failed: number) => Reply): Reply => {
    if (request.kind === "side") return side
    const key = `${request.session ?? ""} ${newest(request)}`
    const failed = failures.get(key) ?? 0
    const decided = reply(failed)
    if (decided.reply === "error") failures.set(key, failed + 1)
    return decided
  }

  const messages = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    const read = readMessages(path, request.headers, await bodyOf(request))
    if (/\/count_tokens/.test(path)) return json(response, 200, { input_tokens: 10 })
    const asked = requests.add(read.request)
    const reply = decide(asked, (failed) => replyTo(read.turn, claudeShell, failed))
    if (reply.reply === "error") {
      const { body, headers } = messagesError(reply)
      json(response, reply.status, body, headers)
    } else if (read.stream) {
      const wire = openWire(response)
      await streamMessages(wire, asked.model, asked.number, reply)
      requests.answer({ number: asked.number, reply: reply.reply, whole: !wire.closed() })
      response.end()
      return
    } else json(response, 200, wholeMessage(asked.model, asked.number, reply))
    requests.answer({ number: asked.number, reply: reply.reply, whole: true })
  }

  const responses = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    const read = readResponses(path, request.headers, await bodyOf(request))
    const asked = requests.add(read.request)
    const reply = decide(asked, (failed) => replyTo(read.turn, codexShell(read.turn.tools), failed))
    if (reply.reply === "error") {
      const { body, headers } = responsesError(reply)
      json(response, reply.status, body, headers)
      requests.answer({ number: asked.number, reply: reply.reply, whole: true })
      return
    }
    const wire = openWire(response)
    await streamResponses(wire, asked.model, asked.number, reply)
    requests.answer({ number: asked.number, reply: reply.reply, whole: !wire.closed() })
    response.end()
  }

  const strays: Array<string> = []
  const server = createServer((request, response) => {
    const path = request.url ?? "/"
    const handled = /\/messages\b/.test(path)
      ? messages(path, request, response)
      : /\/responses\b/.test(path)
      ? responses(path, request, response)
      : bodyOf(request).then(() => {
        strays.push(`${request.method} ${path}`)
        if (/\/models\b/.test(path)) json(response, 200, { object: "list", data: [], models: [] })
        else json(response, 404, { error: { type: "not_found_error", message: "The mock model has no such page." } })
      })
    // Hanging up in the middle is what a CLI does when it is killed.
    handled.catch(() => response.destroy())
  })
  await new Promise<void>((done, fail) => {
    server.once("error", fail)
    server.listen(0, "127.0.0.1", done)
  })
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    port,
    /** For the Messages protocol. */
    anthropic: `http://127.0.0.1:${port}`,
    /** For the Responses protocol. */
    openai: `http://127.0.0.1:${port}/v1`,
    requests,
    /** What was asked of pages that there are not: for whoever wonders what else a CLI wants. */
    strays: (): ReadonlyArray<string> => strays,
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      })
  }
}
export type Mock = Awaited<ReturnType<typeof startMock>>
