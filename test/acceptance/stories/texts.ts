import type { Claims } from "../claims.ts"
import { must } from "../claims.ts"
import { newest } from "../mock/requests.ts"
import type { CliName } from "../pins.ts"
import { known } from "../providers.ts"
import { eventually } from "../terminal.ts"
import { openWorld } from "../world.ts"

const lines = (count: number): string => Array.from({ length: count }, (_, at) => `line ${at} of a long message`).join("\n")

/** Texts that arrive at the model exactly as they were sent. */
const arriving: Readonly<Record<CliName, ReadonlyArray<string>>> = {
  claude: [
    "its end is a backslash \\", " a blank first", "/tmp/x is a path", "# a heading\nand more", "see @read", "日本語 👩‍👩‍👧 ❤️", "Exit", "?",
    "/work/pic.png", `four\n\n  lines\nwith !x\n/y and \\\nand @z`, "long ".repeat(400).trim(), lines(30)
  ],
  codex: [
    "!important: do not push", "/nosuch x", "/help\nand more", "its end is a backslash \\", "see @read", "see $skill", "exit", "quit",
    "a\ttab", "zero\u200bwidth e\u0301", "/work/pic.png", "# a heading\nand more", "long ".repeat(400).trim(), lines(30)
  ]
}

/** Texts that are refused before a key is pressed. */
const refused: Readonly<Record<CliName, ReadonlyArray<string>>> = {
  claude: [
    "!important: do not push", "! x", "/nosuch x", "/clear", " /help", "/help\nand more", "exit", "quit", ":q", ":wq", " exit", "a\ttab", "a blank at the end ",
    "zero\u200bwidth", "e\u0301", "dos\r\nlines", "esc \u001b[201~"
  ],
  codex: [" a blank first", "a blank at the end ", "dos\r\nlines", "esc \u001b[201~"]
}

/** A text that needs more pieces than are typed. */
const veryLong = lines(700)

/** The text that is sent is the text that arrives, or it is refused before the first key. */
export const texts = (claims: Claims): Promise<void> =>
  claims.story("texts that the input line interprets", ["submit"], async () => {
    const { claim, cli } = claims
    const world = await openWorld([cli])
    try {
      world.write("team.yaml", `name: alpha\nagents:\n  one: { provider: ${cli.cli}, permissions: ${known[cli.cli].never} }\n`)
      await world.well("up", "team.yaml")
      await world.until("one", "idle")
      const exact = async (text: string): Promise<void> => {
        const { length } = world.mock.requests.turns()
        const sent = await world.well("send", "one", "--", text)
        must(sent.outcome === "submitted", () => `${JSON.stringify(text.slice(0, 60))} was ${sent.outcome}: ${sent.message}`)
        await eventually(`a request with ${JSON.stringify(text.slice(0, 60))}`, () =>
          world.mock.requests.turns().slice(length).some((each) => newest(each) === text), {
          limitMs: 20_000,
          instead: () => world.mock.requests.turns().slice(length).map((each) => JSON.stringify(newest(each).slice(0, 200))).join(", ")
        })
        await world.until("one", "idle")
      }
      await claim("submit", "a text arrives exactly, whatever its input line would make of it", async () => {
        for (const text of arriving[cli.cli]) await exact(text)
      })
      await claim("submit", "a text that would be changed is refused before the first key", async () => {
        const { length } = world.mock.requests.turns()
        for (const text of refused[cli.cli]) {
          const sent = await world.reprise("send", "one", "--", text)
          must(sent.outcome === "text_refused" && sent.exit === 1, () => `${JSON.stringify(text)} was ${sent.outcome}: ${sent.message}`)
        }
        must(world.mock.requests.turns().length === length, () => "The model was asked.")
        await exact("after what was refused")
      })
      await claim("submit", "a very long text comes whole, in a wrapper that is known", async () => {
        const sent = await world.well("send", "one", "--file", world.write("long.txt", `${veryLong}\n`))
        must(sent.said.includes("stands in the transcript"), () => `It was not recognised: ${sent.message}`)
        await eventually("a request with the long text", () => world.mock.requests.turns().some((each) => newest(each).includes(veryLong)))
        await world.until("one", "idle")
      })
      await claim("submit", "a command that is typed raw keeps no message waiting", async () => {
        for (const text of ["/nosuch x", "!true"]) {
          const sent = await world.reprise("send", "one", "--raw", "--", text)
          must(["unconfirmed", "altered"].includes(sent.outcome) && sent.exit === 1, () => `${text} was ${sent.outcome}: ${sent.message}`)
        }
        await exact("after what was raw")
      })
    } finally {
      await world.close()
    }
  })
