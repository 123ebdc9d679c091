// What a tmux in control mode says, as data. Knows nothing of processes or time.

/** What tmux says unasked, `%name rest`. */
export interface Notification {
  readonly _tag: "Notification"
  readonly name: string
  readonly rest: string
}

/** What tmux says to one command. `asked` is false for what it says to the attaching itself. */
export interface Reply {
  readonly _tag: "Reply"
  readonly ok: boolean
  readonly asked: boolean
  readonly lines: ReadonlyArray<string>
}

/** Something that the protocol does not allow: from here on no reply can be matched to its command. */
export interface Violation {
  readonly _tag: "Violation"
  readonly line: string
}

export type ControlItem = Notification | Reply | Violation

/** Reads pieces of text as they come and answers with what is complete. */
export const makeControlParser = (): (text: string) => ReadonlyArray<ControlItem> => {
  let rest = ""
  let block: { readonly head: string; readonly lines: Array<string> } | null = null

  const readLine = (line: string): ControlItem | null => {
    if (block !== null) {
      const ended = line === `%end ${block.head}`
      if (!ended && line !== `%error ${block.head}`) {
        block.lines.push(line)
        return null
      }
      const reply: Reply = { _tag: "Reply", ok: ended, asked: block.head.endsWith(" 1"), lines: block.lines }
      block = null
      return reply
    }
    const match = /^%([a-z-]+)(?: (.*))?$/s.exec(line)
    const [name, tail] = [match?.[1], match?.[2] ?? ""]
    if (name === undefined || name === "end" || name === "error") return { _tag: "Violation", line }
    if (name === "begin") {
      if (!/^\d+ \d+ \d+$/.test(tail)) return { _tag: "Violation", line }
      block = { head: tail, lines: [] }
      return null
    }
    return { _tag: "Notification", name, rest: tail }
  }

  return (text) => {
    const lines = (rest + text).split("\n")
    rest = lines.pop() ?? ""
    return lines.flatMap((line) => readLine(line) ?? [])
  }
}
