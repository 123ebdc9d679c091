import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { expect } from "vitest"
import { SpawnToken } from "reprise/plugin"
import { makeControlParser } from "../../plugins/transports/tmux/control-parser.ts"
import { encodeWord } from "../../plugins/transports/tmux/control-words.ts"
import { isPaneOf, isToken, parseRow } from "../../plugins/transports/tmux/panes.ts"
import { launchScript, parseExit, parsePids } from "../../plugins/transports/tmux/recorder.ts"
import { keyCommand } from "../../plugins/transports/tmux/typing.ts"

const conversation = "%begin 1 2 0\n%end 1 2 0\n%session-changed $0 reprise\n%begin 1 3 1\n%2\ta\nüñ %end\n%end 1 3 1\n" +
  "%window-add @4\n%begin 1 4 1\nno such thing\n%error 1 4 1\n"

describe("what control mode says", () => {
  it("is read as replies and notifications", () => {
    expect(makeControlParser()(conversation)).toEqual([
      { _tag: "Reply", ok: true, asked: false, lines: [] },
      { _tag: "Notification", name: "session-changed", rest: "$0 reprise" },
      { _tag: "Reply", ok: true, asked: true, lines: ["%2\ta", "üñ %end"] },
      { _tag: "Notification", name: "window-add", rest: "@4" },
      { _tag: "Reply", ok: false, asked: true, lines: ["no such thing"] }
    ])
  })
  it.prop("is the same in whatever pieces it comes", [FastCheck.array(FastCheck.nat(conversation.length))], ([cuts]) => {
    const parse = makeControlParser()
    const places = [0, ...cuts.toSorted((a, b) => a - b), conversation.length]
    const items = places.slice(1).flatMap((end, index) => parse(conversation.slice(places[index], end)))
    expect(items).toEqual(makeControlParser()(conversation))
  })
  it("is a violation where it can't be matched to a command", () => {
    expect(makeControlParser()("%end 1 2 1\nhello\n%begin x\n").map((item) => item._tag)).toEqual([
      "Violation",
      "Violation",
      "Violation"
    ])
  })
})

describe("words for tmux", () => {
  it.prop("are one line", [FastCheck.string({ unit: "binary" })], ([word]) => {
    expect(encodeWord(word)).not.toMatch(/[\n\r\0]/)
  })
})

describe("the recorder's files", () => {
  it("pids are read when they are whole", () => {
    const text = "12 100\n11 99\n10 98\n"
    expect(parsePids(text, "boot")).toEqual({
      agent: { pid: 12, startTime: "100@boot" },
      recorder: { pid: 11, startTime: "99@boot" },
      leader: { pid: 10, startTime: "98@boot" }
    })
    for (let end = 0; end < text.length; end += 1) expect(parsePids(text.slice(0, end), "boot")).toBeNull()
    expect(parsePids("12 -\n11 -\n10 -\n", "boot")).toMatchObject({ agent: { startTime: null }, recorder: null })
  })
  it("a status that is missing or torn is unknown", () => {
    expect(["", "0", "x\n", "-1\n", "12\n\n"].map(parseExit)).toEqual([null, null, null, null, null])
    expect(["0\n", "3\n", "137\n"].map(parseExit)).toEqual([
      { code: 0, signal: null },
      { code: 3, signal: null },
      { code: 137, signal: 9 }
    ])
  })
  it.prop(
    "a launch gives the program just what was asked",
    [FastCheck.array(FastCheck.string({ unit: "binary" })), FastCheck.string({ unit: "binary" })],
    ([rest, value]) => {
      const clean = (text: string) => Buffer.from(text.replaceAll("\0", ""), "utf8").toString("utf8")
      const directory = mkdtempSync(join(tmpdir(), "launch-"))
      try {
        const show = [process.execPath, "-e", "console.log(JSON.stringify([process.argv.slice(1), process.env]))", "--"]
        writeFileSync(
          join(directory, "launch"),
          launchScript({
            team: "t",
            agent: "a",
            generation: 1,
            spawn: SpawnToken.make("s"),
            cwd: directory,
            argv: [...show, ...rest.map(clean)],
            env: { VALUE: clean(value), IFS: "x", pid: "mine", OPTIND: "no number", "not portable": "x" }
          })
        )
        const shown = execFileSync("/bin/sh", ["-c", ". \"$1/launch\"", "sh", directory], { env: {} }).toString()
        expect(JSON.parse(shown)).toEqual([
          rest.map(clean),
          expect.objectContaining({ VALUE: clean(value), IFS: "x", pid: "mine" })
        ])
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    },
    { fastCheck: { numRuns: 15 } }
  )
})

describe("panes", () => {
  it("ours is known by its start command, a stranger's is not", () => {
    const start = "/usr/bin/env -i REPRISE_SPAWN=tok-1:alpha:a%20b:3 /bin/sh /x/recorder.sh /x/spawns/tok-1"
    expect(parseRow(`%1\t@2\t77\t0\t$0\t1\treprise\t${start}`)).toMatchObject({
      owner: { spawn: "tok-1", team: "alpha", agent: "a b", generation: 3 },
      keeper: false
    })
    expect(parseRow(`%1\t@2\t77\t0\t$0\t1\treprise\techo ${start}`)).toMatchObject({ owner: null })
    expect(parseRow("%1\t@2\t77")).toBeNull()
    expect(parseRow("rubbish")).toBeNull()
  })
  it("a token can't be more than a name", () => {
    expect(["a", "0-b.c_D", "a".repeat(100)].every(isToken)).toBe(true)
    expect(["", ".", "..", "a/b", "a b", "a,b", "#{x}", "*", "a".repeat(101)].some(isToken)).toBe(false)
    expect(isPaneOf("tok")).toContain("REPRISE_SPAWN=tok:")
  })
  it("keys are names or single characters", () => {
    expect(keyCommand("%1", "Enter")).toEqual(["send-keys", "-t", "%1", "Enter"])
    expect(keyCommand("%1", ";")).toEqual(["send-keys", "-l", "-t", "%1", "--", ";"])
    expect(keyCommand("%1", "é")).toEqual(["send-keys", "-l", "-t", "%1", "--", "é"])
    expect(["", "ab", "\n", "M-x", "C-"].map((key) => keyCommand("%1", key))).toEqual([null, null, null, null, null])
  })
})
