import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Installed } from "./install.ts"
import type { CliName } from "./pins.ts"

// A home of its own for each run: the CLIs find nothing of the person's who runs the tests, and nothing to ask.

export interface Seeds {
  /** Where the mock model listens. */
  readonly anthropic: string
  readonly openai: string
  /** Directories that the person trusts already. */
  readonly trusted?: ReadonlyArray<string>
  /** The CLIs that are found on the PATH; none by default. */
  readonly clis?: ReadonlyArray<Pick<Installed, "program" | "executable">>
  /** Leaves the configuration of these CLIs out, so that they ask a person to log in. */
  readonly loggedOut?: ReadonlyArray<CliName>
}

export interface Home {
  /** The directory that holds all the others; short, since sockets are in it. */
  readonly root: string
  readonly home: string
  /** A directory to work in. */
  readonly work: string
  /** What comes first on the PATH. */
  readonly bin: string
  /** The whole environment; nothing of the caller's is in it but the directories of node, tmux and the system. */
  readonly env: Readonly<Record<string, string>>
  readonly remove: () => void
}

const claudeEnv = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_AUTOUPDATER: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1"
}

const seedClaude = (home: string, trusted: ReadonlyArray<string>): void => {
  const projects = Object.fromEntries(trusted.map((path) => [path, { hasTrustDialogAccepted: true }]))
  const state = { hasCompletedOnboarding: true, theme: "dark", autoUpdates: false, projects }
  writeFileSync(join(home, ".claude.json"), JSON.stringify(state), { mode: 0o600 })
  mkdirSync(join(home, ".claude"), { mode: 0o700 })
  // Here too, since whoever starts the CLI may well clean its environment of the names that start with CLAUDE_CODE_.
  const settings = { env: claudeEnv, skipDangerousModePermissionPrompt: true }
  writeFileSync(join(home, ".claude", "settings.json"), JSON.stringify(settings), { mode: 0o600 })
}

const seedCodex = (home: string, openai: string, trusted: ReadonlyArray<string>): void => {
  mkdirSync(join(home, ".codex"), { mode: 0o700 })
  const config = [
    `model = "gpt-5-codex"`,
    `model_provider = "mock"`,
    `check_for_update_on_startup = false`,
    `[model_providers.mock]`,
    `name = "mock"`,
    `base_url = "${openai}"`,
    `env_key = "MOCK_KEY"`,
    `wire_api = "responses"`,
    `request_max_retries = 1`,
    `stream_max_retries = 1`,
    `[analytics]`,
    `enabled = false`,
    ...trusted.flatMap((path) => [`[projects.${JSON.stringify(path)}]`, `trust_level = "trusted"`])
  ]
  writeFileSync(join(home, ".codex", "config.toml"), `${config.join("\n")}\n`, { mode: 0o600 })
}

const programs = ["node", "npm", "tmux", "git", "bash", "sh", "env", "cat", "touch", "sleep", "ls", "ps", "uname", "mkdir", "rm"]

/** Links to the few programs that are needed: a CLI of the person's own must not be found by its name. */
const linkPrograms = (bin: string): void => {
  for (const program of programs) {
    const found = program === "node" ? process.execPath : whereIs(program)
    if (found !== null) symlinkSync(found, join(bin, program))
  }
}

const whereIs = (program: string): string | null => {
  try {
    return execFileSync("sh", ["-c", "command -v \"$1\"", "sh", program], { encoding: "utf8" }).trim() || null
  } catch {
    return null
  }
}

/** Puts this program into the first place of the PATH, whatever was there. */
export const putProgram = (bin: string, name: string, executable: string): void => {
  rmSync(join(bin, name), { force: true })
  symlinkSync(executable, join(bin, name))
}

/** Puts a script of `sh` there. */
export const putScript = (bin: string, name: string, script: string): void => {
  rmSync(join(bin, name), { force: true })
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}

export const makeHome = (seeds: Seeds): Home => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "ra-")))
  const place = (name: string) => join(root, name)
  // A CLI that finds its home below the temporary directory thinks that it is a test: they stand side by side.
  for (const name of ["home", "work", "run", "tmp", "bin"]) mkdirSync(place(name), { mode: 0o700 })
  const home = place("home")
  const work = place("work")
  const trusted = seeds.trusted ?? [work]
  const loggedOut = seeds.loggedOut ?? []
  if (!loggedOut.includes("claude")) seedClaude(home, trusted)
  if (!loggedOut.includes("codex")) seedCodex(home, seeds.openai, trusted)
  linkPrograms(place("bin"))
  for (const { executable, program } of seeds.clis ?? []) putProgram(place("bin"), program, executable)
  const env: Record<string, string> = {
    PATH: place("bin"),
    HOME: home,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    SHELL: "/bin/sh",
    TMPDIR: place("tmp"),
    XDG_RUNTIME_DIR: place("run"),
    ...claudeEnv,
    ...loggedOut.includes("claude") ? {} : { ANTHROPIC_BASE_URL: seeds.anthropic, ANTHROPIC_AUTH_TOKEN: "dummy-claude" },
    ...loggedOut.includes("codex") ? {} : { MOCK_KEY: "dummy-codex" }
  }
  // Root may skip permissions only in what says that it is a sandbox; a network namespace of root's is one of those.
  if (process.getuid?.() === 0) env["IS_SANDBOX"] = "1"
  return {
    root,
    home,
    work,
    bin: place("bin"),
    env,
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
}
