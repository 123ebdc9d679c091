import { existsSync, readdirSync, realpathSync } from "node:fs"
import { homedir } from "node:os"
import { isAbsolute, join, resolve } from "node:path"
import type { ProviderAgent } from "reprise/plugin"

// Where Claude Code keeps things: its config home, and the conversations of a directory in it.

type Env = Readonly<Record<string, string>>

export interface ConfigHome {
  readonly path: string
  /** What the environment of the process has to say, so that Claude Code finds it; null takes the name away. */
  readonly variable: string | null | undefined
}

const nonEmpty = (text: string | undefined): string | null => text === undefined || text === "" ? null : text

const homeOf = (env: Env): string => nonEmpty(env["HOME"]) ?? homedir()

/** What `CLAUDE_CONFIG_DIR` of this environment leads to, or the place where it is by default. */
export const configHomeOf = (env: Env): string => {
  const named = nonEmpty(env["CLAUDE_CONFIG_DIR"])
  return named === null ? join(homeOf(env), ".claude") : resolve(named)
}

const absolute = (path: string, agent: ProviderAgent, env: Env): string => {
  if (path === "~" || path.startsWith("~/")) return join(homeOf(env), path.slice(1))
  return isAbsolute(path) ? resolve(path) : resolve(agent.workspace, path)
}

/**
 * The agent's config home: the one that its conversation is in, else what its options say, else its environment. The
 * variable is only named where the environment alone would lead elsewhere: a home that is named keeps its settings file
 * in another place than the default one does.
 */
export const configHomeFor = (agent: ProviderAgent, host: Env): ConfigHome => {
  const env = { ...host, ...agent.env }
  const option = agent.options["configHome"]
  const path = agent.configHome !== null
    ? resolve(agent.configHome)
    : typeof option === "string" && option !== ""
    ? absolute(option, agent, env)
    : configHomeOf(env)
  if (path === configHomeOf(env)) return { path, variable: undefined }
  return { path, variable: path === join(homeOf(env), ".claude") ? null : path }
}

/** Claude Code works in the real path; a directory that is not there yet has none. */
const realPathOf = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

const longest = 200

/** The hash that tells long names apart: 32 bits over UTF-16 units. */
const hashOf = (text: string): string => {
  let hash = 0
  for (let at = 0; at < text.length; at += 1) hash = ((hash << 5) - hash + text.charCodeAt(at)) | 0
  return Math.abs(hash).toString(36)
}

/** The name of a directory's conversations: all but ASCII letters and digits become dashes, and a long one is cut. */
export const projectName = (cwd: string): string => {
  const dashed = cwd.replace(/[^A-Za-z0-9]/g, "-")
  return dashed.length <= longest ? dashed : `${dashed.slice(0, longest)}-${hashOf(cwd)}`
}

/** Where the conversations of a directory are. */
export const projectDirectory = (configHome: string, cwd: string): string =>
  join(configHome, "projects", projectName(realPathOf(cwd)))

/** The shape of a session's id. Anything else would be taken for a search, and open a picker that stays. */
export const isSessionId = (id: string): boolean => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(id)

export const transcriptOf = (directory: string, sessionId: string): string => join(directory, `${sessionId}.jsonl`)

/** How many directories of conversations are looked into. */
const mostListed = 1_000

/** The transcripts of a session, in whatever directory of conversations. */
const transcriptsOf = (configHome: string, sessionId: string): ReadonlyArray<string> => {
  const projects = join(configHome, "projects")
  try {
    return readdirSync(projects).slice(0, mostListed).map((name) => transcriptOf(join(projects, name), sessionId)).filter((path) => existsSync(path))
  } catch {
    return []
  }
}

/**
 * Where a session's transcript is. Claude Code resumes a session in any working directory, and goes on in the file that it
 * has: after a move of the directory that one lies among the conversations of the old path. Of several such files none is
 * surely the one.
 */
export const findTranscript = (configHome: string, cwd: string, sessionId: string): string => {
  const own = transcriptOf(projectDirectory(configHome, cwd), sessionId)
  if (existsSync(own)) return own
  const [elsewhere, another] = transcriptsOf(configHome, sessionId)
  return elsewhere === undefined || another !== undefined ? own : elsewhere
}
