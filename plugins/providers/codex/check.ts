import { execFile } from "node:child_process"
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect, findExecutable, type ProviderAgent, type StartProblem } from "reprise/plugin"
import { configHomeOf, type Surroundings } from "./home.ts"
import { permissionFlags, permissionModes } from "./permissions.ts"

// What speaks against a start, before anything is touched. Whether there are credentials is seen by their names alone: no
// file that may hold one is opened.

/** The version that this was proved with, and how a version is compared: its first two numbers. */
export const provedVersion = "0.169.0"

/** The oldest version that has all flags of the command: before it there is no --no-daemon. */
export const oldestVersion = "0.160.0"

const isOlder = (version: string, than: string): boolean => {
  const parts = (text: string) => (text.split("-")[0] ?? "").split(".").map(Number)
  const [one, other] = [parts(version), parts(than)]
  const at = [0, 1, 2].find((index) => one[index] !== other[index])
  return at !== undefined && (one[at] ?? 0) < (other[at] ?? 0)
}

const series = (version: string): string => version.split(".").slice(0, 2).join(".")

const fromPackage = (program: string): string | null => {
  try {
    const text = readFileSync(join(dirname(dirname(program)), "package.json"), "utf8")
    return /"name": "@openai\/codex"/.test(text) ? /"version": "([^"]+)"/.exec(text)?.[1] ?? null : null
  } catch {
    return null
  }
}

const fromProgram = (program: string, env: Readonly<Record<string, string>>): Effect.Effect<string | null> =>
  Effect.async((resume) => {
    const bare = { PATH: env["PATH"] ?? "/usr/bin:/bin", HOME: env["HOME"] ?? "/" }
    const child = execFile(program, ["--version"], { env: bare, timeout: 5000 }, (error, out) =>
      resume(Effect.succeed(error === null ? /^codex\S* (\d+\.\d+\.\d\S*)/.exec(out)?.[1] ?? null : null)))
    return Effect.sync(() => child.kill())
  })

const known = new Map<string, string>()

/** The version of a program, by its package or by its own word; kept as long as the file is the same. */
const versionOf = (found: string, env: Readonly<Record<string, string>>): Effect.Effect<string | null> =>
  Effect.gen(function*() {
    const program = yield* Effect.try(() => realpathSync(found)).pipe(Effect.orElseSucceed(() => found))
    const changed = yield* Effect.try(() => statSync(program).mtimeMs).pipe(Effect.orElseSucceed(() => null))
    const key = `${program}\0${changed}`
    const before = known.get(key)
    if (before !== undefined) return before
    const version = fromPackage(program) ?? (yield* fromProgram(program, env))
    if (version !== null && changed !== null) known.set(key, version)
    return version
  })

const versionProblem = (version: string | null): ReadonlyArray<StartProblem> => {
  const warning = (problem: string): ReadonlyArray<StartProblem> => [{ severity: "warning", kind: "unknown", problem }]
  if (version === null) return warning("The version of codex could not be told; this plugin was proved with " + provedVersion + ".")
  if (isOlder(version, oldestVersion)) {
    return [{
      severity: "refusal",
      kind: "missing_binary",
      problem: `This is Codex ${version}, and ${oldestVersion} is the oldest version that Reprise can start. Update it: npm install -g @openai/codex@${provedVersion}.`
    }]
  }
  return series(version) === series(provedVersion)
    ? []
    : warning(
      `This is Codex ${version}, and the plugin was proved with ${provedVersion}: what its screen and files say may be ` +
        "read as unknown. If so, install the proved version."
    )
}

const readable = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return null
  }
}

const keys = ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"]
const forAll = ["/etc/codex/config.toml", "/etc/codex/managed_config.toml", "/etc/codex/requirements.toml"]

/** A login is surely missing only where there is no place that could have one. */
const loginProblem = (configHome: string, env: Readonly<Record<string, string>>): ReadonlyArray<StartProblem> => {
  if (existsSync(join(configHome, "auth.json")) || keys.some((name) => (env[name] ?? "") !== "")) return []
  const path = join(configHome, "config.toml")
  const config = readable(path)
  if (config !== null && /^\s*(?:model_provider|oss_provider|cli_auth_credentials_store|profile)\s*=/m.test(config)) return []
  const advice = "Run codex login" + (env["CODEX_HOME"] === configHome ? ` with CODEX_HOME=${configHome}` : "") +
    ", or configure a model provider."
  return existsSync(path) || forAll.some((other) => existsSync(other))
    ? [{ severity: "warning", kind: "auth", problem: `There is no login in ${configHome}; Codex will ask for one. ${advice}` }]
    : [{ severity: "refusal", kind: "auth", problem: `Codex has neither a login nor a configuration in ${configHome}. ${advice}` }]
}

const modeProblem = ({ permissions }: ProviderAgent): ReadonlyArray<StartProblem> =>
  permissionFlags(permissions) !== null ? [] : [{
    severity: "refusal",
    kind: "bad_flags",
    problem: `Codex has no permission mode ${JSON.stringify(permissions)}: it has ${permissionModes.join(", ")}.`
  }]

/** What speaks against starting this agent in this environment. */
export const checkStart = (
  agent: ProviderAgent,
  env: Readonly<Record<string, string>>,
  around: Surroundings
): Effect.Effect<ReadonlyArray<StartProblem>> =>
  Effect.gen(function*() {
    const program = findExecutable("codex", agent.cwd, env["PATH"])
    const version = program === null ? [] : versionProblem(yield* versionOf(program, env))
    const tools: ReadonlyArray<StartProblem> = agent.tools.length === 0 ? [] : [{
      severity: "warning",
      kind: "unknown",
      problem: "Codex has no list of tools to allow: the agent's tools are not applied, its permissions are."
    }]
    return [...modeProblem(agent), ...loginProblem(configHomeOf(agent, around), env), ...version, ...tools]
  })
