// The versions of the real CLIs that the acceptance runs against: the one place to raise them.

/** A CLI as it is installed: a package of npm at an exact version, and the program that it brings. */
export interface Pin {
  readonly cli: CliName
  readonly package: string
  readonly version: string
  /** The name of the program under `node_modules/.bin`. */
  readonly program: string
}

export const cliNames = ["claude", "codex"] as const
export type CliName = typeof cliNames[number]

export const pins: Readonly<Record<CliName, Pin>> = {
  claude: { cli: "claude", package: "@anthropic-ai/claude-code", version: "2.1.330", program: "claude" },
  codex: { cli: "codex", package: "@openai/codex", version: "0.169.0", program: "codex" }
}

export const isCliName = (name: string): name is CliName => Object.hasOwn(pins, name)
