import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { AgentSpec } from "../domain/team.ts"
import { redacted } from "../event-log/redact.ts"
import { expandReferences, parseEnvFile } from "../spec/env-file.ts"

// What a spec says of an agent's environment, resolved for one start: its env_file is read, and `${NAME}` is replaced. The
// log keeps neither, so this is done again at each start.

/** A secret or variable that a start needs and that is not there. */
export interface SecretLack {
  readonly code: "secret_missing" | "secret_redacted"
  /** A clause that names the variable and what to do. */
  readonly why: string
}

export interface ResolvedSpec {
  /** With the environment that its process is to have. */
  readonly spec: AgentSpec
  readonly lacks: ReadonlyArray<SecretLack>
  /** Names that its env_file sets. */
  readonly fileNames: ReadonlyArray<string>
  /** Values that came from the env_file or the environment of the command. */
  readonly secrets: ReadonlyArray<string>
}

const missing = (why: string): SecretLack => ({ code: "secret_missing", why })

const maxBytes = 1024 * 1024

const readEnvFile = (path: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const info = yield* files.stat(path)
    if (info.type !== "File") return { env: {}, lacks: [missing(`its env_file ${path} is not a file`)] }
    if (info.size > maxBytes) return { env: {}, lacks: [missing(`its env_file ${path} is larger than ${maxBytes} bytes`)] }
    const { env, problems } = parseEnvFile(yield* files.readFileString(path))
    return {
      env,
      lacks: problems.map(({ column, line, problem }) => missing(`its env_file is not understood: ${path}:${line}:${column}: ${problem}`))
    }
  }).pipe(Effect.catchAll((error) =>
    Effect.succeed({
      env: {},
      lacks: [missing(`its env_file ${path} ${error._tag === "SystemError" && error.reason === "NotFound"
        ? "does not exist"
        : `could not be read (${error.message.replace(/\.$/, "")})`}`)]
    })))

/** The spec with the environment of its next process, from the environment of this command. */
export const resolveSpec = (
  spec: AgentSpec,
  host: Readonly<Record<string, string>>
): Effect.Effect<ResolvedSpec, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const lacks: Array<SecretLack> = []
    const secrets = new Set<string>()
    const file: { readonly env: Readonly<Record<string, string>>; readonly lacks: ReadonlyArray<SecretLack> } =
      spec.envFile === undefined ? { env: {}, lacks: [] } : yield* readEnvFile(spec.envFile)
    lacks.push(...file.lacks)
    for (const value of Object.values(file.env)) secrets.add(value)
    const expand = (text: string, what: string): string => {
      const { missing: absent, names, value } = expandReferences(text, host)
      for (const name of names) secrets.add(host[name] ?? "")
      for (const name of absent) {
        lacks.push(missing(`${what} is \${${name}}, and the environment of this command has no ${name}: set it and try again`))
      }
      return value
    }
    const env: Record<string, string> = { ...file.env }
    for (const [name, value] of Object.entries(spec.env)) {
      if (value !== redacted) env[name] = expand(value, `its env ${name}`)
      else if ((host[name] ?? "") === "") {
        delete env[name]
        lacks.push({
          code: "secret_redacted",
          why: `its env ${name} is written in the team file, and the log keeps no secret: set ${name} in the environment of this ` +
            `command, or write \${${name}} or an env_file in the team file and start it from there: reprise down, then reprise up FILE`
        })
      }
    }
    const mcp = Object.fromEntries(Object.entries(spec.mcp).map(([server, { args, command, env: own }]) => [server, {
      command,
      args: args.map((word) => expand(word, `an argument of its MCP server ${server}`)),
      env: Object.fromEntries(Object.entries(own).map(([name, value]) => [name, expand(value, `${name} of its MCP server ${server}`)]))
    }]))
    return { spec: { ...spec, env, mcp }, lacks, fileNames: Object.keys(file.env).toSorted(), secrets: [...secrets] }
  })
