import type { ServerResponse } from "node:http"

/** An open answer of server-sent events. */
export interface Wire {
  readonly event: (name: string, data: object) => void
  /** Keeps the answer open until the other side hangs up, with a sign of life now and then. */
  readonly hang: (sign: () => void) => Promise<void>
  /** Gives a text word by word over this time. */
  readonly pieces: (text: string, ms: number, give: (piece: string) => void) => Promise<void>
  /** Whether the other side has hung up. */
  readonly closed: () => boolean
}

export const openWire = (response: ServerResponse): Wire => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
  let closed = false
  const listeners = new Set<() => void>()
  response.once("close", () => {
    closed = true
    for (const listener of listeners) listener()
  })
  const event: Wire["event"] = (name, data) => {
    if (!closed) response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const pause = (ms: number) =>
    new Promise<void>((done) => {
      if (closed) return done()
      const finish = () => {
        clearTimeout(timer)
        listeners.delete(finish)
        done()
      }
      const timer = setTimeout(finish, ms)
      listeners.add(finish)
    })
  return {
    event,
    closed: () => closed,
    hang: async (sign) => {
      while (!closed) {
        await pause(5000)
        sign()
      }
    },
    pieces: async (text, ms, give) => {
      const words = text.match(/\S+\s*|\s+/g) ?? [""]
      // Something moves at least twice a second, however few the words are.
      const beats = ms === 0 ? 1 : Math.max(words.length, Math.ceil(ms / 500))
      let given = 0
      for (let beat = 1; beat <= beats && !closed; beat++) {
        const upTo = Math.floor(words.length * beat / beats)
        if (upTo > given) give(words.slice(given, upTo).join(""))
        given = upTo
        if (ms > 0 && beat < beats) await pause(ms / beats)
      }
    }
  }
}
