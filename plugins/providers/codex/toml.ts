// Values for `-c key=value`, which Codex reads as TOML. What is no TOML it would take as it stands, so each text is
// written as a basic string, whatever is in it.

const short: Readonly<Record<string, string>> = {
  "\"": "\\\"",
  "\\": "\\\\",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r"
}

const escaped = (unit: string): string => short[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`

/** A basic string: quotes, backslashes and all control characters are escaped; half a surrogate pair can't be written. */
export const tomlString = (text: string): string =>
  `"${text.replace(/[\ud800-\udfff]/gu, "\ufffd").replace(/["\\\u0000-\u001f\u007f]/g, escaped)}"`

export const tomlArray = (texts: ReadonlyArray<string>): string => `[${texts.map(tomlString).join(",")}]`

/** An inline table of values that are TOML already. */
export const tomlTable = (members: Readonly<Record<string, string>>): string =>
  `{${Object.entries(members).map(([key, value]) => `${tomlString(key)}=${value}`).join(",")}}`
