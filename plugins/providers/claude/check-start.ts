import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect, findExecutable } from "reprise/plugin"
import type { ProviderAgent, StartProblem } from "reprise/plugin"
import { program } from "./command.ts"
import { defaultPermissions, isMode, permissionModes } from "./permissions.ts"
import { configHomeFor } from "./places.ts"
import { compareVersions, proved, versionOf } from "./version.ts"

// What speaks against a start, looked at before anything is touched. Credentials are only seen to be there.

type Env = Readonly<Record<string, string>>

const efforts = ["low", "medium", "high", "xhigh", "max"]

const loginNames = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_FOUNDRY",
  "CLAUDE_CODE_USE_VERTEX"
]

const set = (env: Env, name: string): boolean => (env[name] ?? "") !== ""

const warning = (kind: StartProblem["kind"], problem: string): StartProblem => ({ severity: "warning", kind, problem })
const refusal = (kind: StartProblem["kind"], problem: string): StartProblem => ({ severity: "refusal", kind, problem })

/** Where Claude Code keeps a login, or what of its settings can stand for one. */
const placesOfLogin = (configHome: string, agent: ProviderAgent, named: boolean) => ({
  credentials: join(configHome, ".credentials.json"),
  state: named ? join(configHome, ".claude.json") : join(dirname(configHome), ".claude.json"),
  settings: [
    join(configHome, "settings.json"),
    join(agent.cwd, ".claude", "settings.json"),
    join(agent.cwd, ".claude", "settings.local.json"),
    "/etc/claude-code/managed-settings.json"
  ]
})

/** Whether there is a login. Certain is only that there is none: where Claude Code has never been set up at all. */
const loginProblem = (agent: ProviderAgent, env: Env): StartProblem | null => {
  if (loginNames.some((name) => set(env, name)) || process.platform === "darwin") return null
  const home = configHomeFor(agent, env)
  const named = home.variable === undefined ? set(env, "CLAUDE_CONFIG_DIR") : home.variable !== null
  const places = placesOfLogin(home.path, agent, named)
  if (existsSync(places.credentials)) return null
  const login = `Log in once: ${named ? `CLAUDE_CONFIG_DIR=${home.path} ` : ""}claude, then /login.`
  if (places.settings.some((path) => existsSync(path))) return null
  return existsSync(places.state)
    ? warning("auth", `No login of Claude Code was seen in ${home.path} or in the environment. ${login}`)
    : refusal("auth", `Claude Code was never set up in ${home.path}, and the environment names no login. ${login}`)
}

const versionProblem = (version: string | null): StartProblem | null => {
  if (version === null) {
    return warning("unknown", `Which version of Claude Code this is could not be told; Reprise was proved with ${proved}.`)
  }
  const compared = compareVersions(version, proved)
  if (compared === 0) return null
  const age = compared > 0 ? "newer" : "older"
  return warning("unknown", `Claude Code ${version} is ${age} than ${proved}, which Reprise was proved with.`)
}

const modeProblem = (agent: ProviderAgent): StartProblem | null => {
  const mode = agent.permissions ?? defaultPermissions
  return isMode(mode)
    ? null
    : refusal("bad_flags", `Claude Code has no permission mode ${JSON.stringify(mode)}: it has ${permissionModes.join(", ")}.`)
}

const toolProblem = ({ tools }: ProviderAgent): StartProblem | null => {
  const flag = tools.find((name) => name.startsWith("-"))
  return flag === undefined ? null : refusal("bad_flags", `${JSON.stringify(flag)} is no tool: Claude Code would read it as a flag.`)
}

const effortProblem = (agent: ProviderAgent): StartProblem | null =>
  agent.effort === null || efforts.includes(agent.effort)
    ? null
    : warning("bad_flags", `Claude Code passes over the effort ${JSON.stringify(agent.effort)}: it knows ${efforts.join(", ")}.`)

/** What speaks against starting this agent in this environment. */
export const checkStart = (
  agent: ProviderAgent,
  env: Env,
  stateDirectory: string
): Effect.Effect<ReadonlyArray<StartProblem>> =>
  Effect.gen(function*() {
    const found = findExecutable(program, agent.cwd, env["PATH"])
    const version = found === null ? null : versionProblem(yield* versionOf(found, env, stateDirectory))
    return [modeProblem(agent), toolProblem(agent), effortProblem(agent), loginProblem(agent, env), version].filter((problem) => problem !== null)
  })
