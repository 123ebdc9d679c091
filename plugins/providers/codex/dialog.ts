// A list of numbered choices at the bottom of the screen, with a line below that says which keys are taken.

export interface Dialog {
  readonly choices: ReadonlyArray<{ readonly number: number; readonly label: string; readonly selected: boolean }>
  /** What stands above the choices, in one line. */
  readonly above: string
  /** The question, with what it is about. */
  readonly question: string
}

const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === ""

const footer = /^(?:press )?enter (?:to )?(?:confirm|continue|select|submit|choose)\b.*\b(?:esc|ctrl|\^c)\b|^press enter to (?:continue|confirm)/i

const choiceLine = /^ {0,3}([›>❯]?) *(\d{1,2})\. +(\S.*)$/

const askings =
  /Would you like to (?:run|make|grant|allow|apply)|Allow (?:the )?.{1,80}\b(?:to run|to call|to use|tool)\b|Do you want to approve/

/** Whether these words ask for an approval. */
export const isAsking = (above: string): boolean => askings.test(above)

const labelOf = (text: string): string =>
  // A column further right describes the choice; what stands in brackets at its end is another key for it.
  (text.trim().split(/ {2,}/)[0] ?? "").replace(/ \((?:[a-z]|esc|enter)\)$/i, "").trim()

/** The dialog on these lines; null where there is none. */
export const dialogOf = (lines: ReadonlyArray<string>): Dialog | null => {
  let last = lines.length - 1
  while (last >= 0 && isBlank(lines[last])) last -= 1
  // On a narrow screen the line of the keys is two or three.
  const foot = [last, last - 1, last - 2].find((from) =>
    from > 0 && footer.test(lines.slice(from, last + 1).map((line) => line.trim()).join(" "))
  )
  if (foot === undefined) return null
  const choices: Array<Dialog["choices"][number]> = []
  let below: Array<string> = []
  let at = foot - 1
  for (; at >= 0; at -= 1) {
    const line = lines[at] ?? ""
    const match = choiceLine.exec(line)
    if (match !== null) {
      const [, sign = "", number = "", label = ""] = match
      choices.unshift({ number: Number(number), label: labelOf([label, ...below].join(" ")), selected: sign !== "" })
      below = []
      if (Number(number) === 1) break
    } else if (isBlank(line)) {
      below = []
    } else if (/^ {4,}\S/.test(line)) {
      below.unshift(line.trim())
    } else return null
  }
  if (choices.length < 2 || choices.some(({ number }, index) => number !== index + 1)) return null
  if (choices.filter(({ selected }) => selected).length !== 1) return null
  return { choices, ...wordsAbove(lines.slice(Math.max(0, at - 30), at)) }
}

const wordsAbove = (lines: ReadonlyArray<string>): { readonly above: string; readonly question: string } => {
  const words = lines.map((line) => line.trim()).filter((line) => line !== "")
  const first = words.findLastIndex((line) => /^(?:Would you like|Allow |Do you |Trust this|Working directory)/.test(line))
  const question = (first < 0 ? words.slice(-3) : words.slice(first)).join(" ")
  return { above: words.join(" "), question: question.length > 500 ? `${question.slice(0, 499)}…` : question }
}
