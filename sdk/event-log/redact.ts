/** Stands where a secret stood. */
export const redacted = "[redacted]"

const secretNames = [
  "token",
  "secret",
  "password",
  "passwd",
  "passphrase",
  "api[_-]?key",
  "access[_-]?key",
  "private[_-]?key",
  "authorization",
  "credentials?",
  "cookie"
]
const secretKey = new RegExp(`(?:${secretNames.join("|")})$`, "i")

// One cheap look decides for nearly all texts that there is nothing to do.
const hint = /sk-|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|AIza|npm_|eyJ|bearer\s|PRIVATE KEY/i

const shapes: ReadonlyArray<readonly [RegExp, string]> = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  [/\b(bearer)\s+[A-Za-z0-9._~+/=-]{12,}/gi, `$1 ${redacted}`],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, redacted],
  [/\bgh[pousr]_[A-Za-z0-9]{20,}/g, redacted],
  [/\bgithub_pat_[A-Za-z0-9_]{20,}/g, redacted],
  [/\bglpat-[A-Za-z0-9_-]{16,}/g, redacted],
  [/\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g, redacted],
  [/\bAKIA[0-9A-Z]{16}\b/g, redacted],
  [/\bAIza[0-9A-Za-z_-]{30,}/g, redacted],
  [/\bnpm_[A-Za-z0-9]{30,}/g, redacted],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g, redacted]
]

/** Replaces what has the shape of a key; the rest of the text stays as it is. */
export const redactText = (text: string): string =>
  hint.test(text) ? shapes.reduce((scrubbed, [shape, by]) => scrubbed.replace(shape, by), text) : text

const flag = /^--?([A-Za-z][A-Za-z0-9_-]*)(=)?/

const redactList = (list: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
  let changed = false
  let secretNext = false
  const scrubbed = list.map((item) => {
    const option = typeof item === "string" ? flag.exec(item) : null
    const secret = option !== null && secretKey.test(option[1] ?? "")
    const next = secretNext && option === null
      ? blank(item)
      : secret && option[2] === "=" && typeof item === "string"
      ? `${item.slice(0, option[0].length)}${redacted}`
      : redact(item)
    secretNext = secret && option[2] === undefined
    changed ||= next !== item
    return next
  })
  return changed ? scrubbed : list
}

const redactRecord = (record: object, within: (key: string, value: unknown) => unknown): object => {
  let changed = false
  const scrubbed: Array<readonly [string, unknown]> = []
  for (const [key, value] of Object.entries(record)) {
    const next = within(key, value)
    changed ||= next !== value
    scrubbed.push([key, next])
  }
  return changed ? Object.fromEntries(scrubbed) : record
}

/** Only names of variables, as a team file refers to them: `${KEY}`, `Bearer ${KEY}`. */
const onlyRefers = (text: string): boolean =>
  /\$\{[A-Za-z_]\w*\}/.test(text) && /^(bearer|basic|token)?[\s:=/.,-]*$/i.test(text.replace(/\$\{[A-Za-z_]\w*\}/g, ""))

/** Every text in the value goes; numbers, shape, emptiness and references stay. */
const blank = (value: unknown): unknown => {
  if (typeof value === "string") return value === "" || onlyRefers(value) ? value : redacted
  if (Array.isArray(value)) {
    const scrubbed = value.map(blank)
    return scrubbed.some((item, index) => item !== value[index]) ? scrubbed : value
  }
  return typeof value === "object" && value !== null ? redactRecord(value, (_, inner) => blank(inner)) : value
}

/**
 * Scrubs secrets from a value that is about to leave the process: texts under keys that name a secret, values of
 * command-line options that do, and whatever has the shape of a known key. Pure, idempotent, and the structure stays;
 * a value without secrets comes back as the same object.
 */
export const redact = (value: unknown): unknown => {
  if (typeof value === "string") return redactText(value)
  if (Array.isArray(value)) return redactList(value)
  if (typeof value !== "object" || value === null) return value
  return redactRecord(value, (key, inner) => (secretKey.test(key) ? blank(inner) : redact(inner)))
}

