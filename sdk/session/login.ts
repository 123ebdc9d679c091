import type { AgentSpec, LaunchContext } from "../domain/team.ts"
import type { ProviderAgent, ProviderLogin } from "../plugin/provider-driver.ts"
import type { SecretLack } from "./agent-environment.ts"

type Env = Readonly<Record<string, string>>

const set = (env: Env, name: string): boolean => (env[name] ?? "") !== ""

/** An address is no login: another one does not replace it. */
const isAddress = (name: string): boolean => name.endsWith("_BASE_URL")

/** How the start before was let in. What old logs do not say is read from the names that they have. */
const loginThen = (
  then: LaunchContext,
  agent: ProviderAgent,
  env: Env,
  loginOf: (agent: ProviderAgent, env: Env) => ProviderLogin
): { readonly variables: ReadonlyArray<string>; readonly stored: boolean } =>
  then.login ?? {
    variables: loginOf(agent, { ...Object.fromEntries(then.envNames.map((name) => [name, "set"])), ...env }).variables
      .filter((name) => then.envNames.includes(name)),
    stored: false
  }

/**
 * What let the CLI in at the start before and is missing now, so that a start would come back logged out. Null where nothing
 * is, where another login is there, or where the team file says by an empty value that a variable is not wanted. Pure.
 */
export const missingLogin = (
  then: LaunchContext | undefined,
  spec: AgentSpec,
  agent: ProviderAgent,
  env: Env,
  loginOf: ((agent: ProviderAgent, env: Env) => ProviderLogin) | undefined
): SecretLack | null => {
  if (then === undefined || loginOf === undefined) return null
  const before = loginThen(then, agent, env, loginOf)
  const now = loginOf(agent, env)
  const absent = before.variables.filter((name) => !set(env, name) && spec.env[name] !== "")
  const other = now.stored || now.variables.some((name) => !before.variables.includes(name) && !isAddress(name))
  const needed = other ? absent.filter(isAddress) : absent
  if (needed.length > 0) {
    const names = needed.join(", ")
    return {
      code: "secret_missing",
      why: `${names} let it in at its last start and ${needed.length === 1 ? "is" : "are"} missing in the environment now, so it would ` +
        `come back logged out: set ${names} and try again, or log in another way first`
    }
  }
  return before.stored && !now.stored && now.variables.length === 0
    ? {
      code: "secret_missing",
      why: `the stored login of its last start is not in ${then.configHome ?? "its configuration directory"} any more, so it would come back ` +
        "logged out: log in there and try again"
    }
    : null
}
