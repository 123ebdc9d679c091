// Templates of words: `{name}` stands for a value, `{{` and `}}` for braces. A value never leaves its word.

/** The values that a template may ask for; null is "has none". */
export type TemplateValues = (name: string) => string | null | undefined

type Piece = { readonly text: string } | { readonly name: string; readonly dashed: boolean }

/** A word ready to be filled. */
export interface Template {
  readonly source: string
  readonly names: ReadonlyArray<string>
  /** The word, or the name of the value that is missing. */
  readonly fill: (values: TemplateValues) => { readonly word: string } | { readonly missing: string }
}

const token = /\{\{|\}\}|\{([A-Za-z][\w.-]*)(:dashed)?\}|[{}]/g

/**
 * Reads a template. `{cwd:dashed}` is the value with every character but letters and digits as `-`, as some CLIs name
 * directories. A brace that belongs to nothing, or a name that nobody knows, is the author's mistake: it throws.
 */
export const parseTemplate = (source: string, known: (name: string) => boolean): Template => {
  const pieces: Array<Piece> = []
  let read = 0
  for (const match of source.matchAll(token)) {
    pieces.push({ text: source.slice(read, match.index) })
    read = match.index + match[0].length
    const name = match[1]
    if (match[0] === "{{" || match[0] === "}}") {
      pieces.push({ text: match[0].slice(1) })
    } else if (name === undefined) {
      throw new TypeError(`The template ${JSON.stringify(source)} has a brace without its partner; write it twice.`)
    } else if (!known(name)) {
      throw new TypeError(`The template ${JSON.stringify(source)} asks for {${name}}, which there is not.`)
    } else {
      pieces.push({ name, dashed: match[2] !== undefined })
    }
  }
  pieces.push({ text: source.slice(read) })
  return {
    source,
    names: pieces.flatMap((piece) => "name" in piece ? [piece.name] : []),
    fill: (values) => {
      let word = ""
      for (const piece of pieces) {
        if ("text" in piece) {
          word += piece.text
          continue
        }
        const value = values(piece.name)
        if (value === null || value === undefined) return { missing: piece.name }
        word += piece.dashed ? value.replace(/[^A-Za-z0-9]/g, "-") : value
      }
      return { word }
    }
  }
}

/** A word, or words that stand together and are left out together when one of their values is missing. */
export type TemplateWords = ReadonlyArray<string | ReadonlyArray<string>>

/** Fills the words of a command. A missing value outside a group is a problem, told by name. */
export const parseWords = (words: TemplateWords, known: (name: string) => boolean) => {
  const groups = words.map((word) =>
    typeof word === "string"
      ? { optional: false, templates: [parseTemplate(word, known)] }
      : { optional: true, templates: word.map((part) => parseTemplate(part, known)) }
  )
  return (values: TemplateValues): { readonly words: ReadonlyArray<string> } | { readonly missing: string } => {
    const filled: Array<string> = []
    for (const group of groups) {
      const results = group.templates.map((template) => template.fill(values))
      const missing = results.find((result) => "missing" in result)
      if (missing !== undefined && "missing" in missing) {
        if (group.optional) continue
        return missing
      }
      for (const result of results) if ("word" in result) filled.push(result.word)
    }
    return { words: filled }
  }
}
