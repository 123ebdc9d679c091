// A home, a workspace and a plugin that writes a file when it is imported: what was imported can be seen.
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { compileCache } from "../house/built.ts"
import { run } from "../house/clone.ts"

const Warning = Schema.Struct({ problem: Schema.String })
const Shown = Schema.parseJson(Schema.Struct({
  outcome: Schema.String,
  ok: Schema.Boolean,
  message: Schema.String,
  next: Schema.Array(Schema.String),
  warnings: Schema.optionalWith(Schema.Array(Warning), { default: () => [] }),
  agents: Schema.optionalWith(
    Schema.Array(Schema.Struct({ id: Schema.String, status: Schema.String, evidence: Schema.String })),
    { default: () => [] }
  ),
  consents: Schema.optionalWith(
    Schema.Array(Schema.Struct({ path: Schema.String, digest: Schema.String, granted: Schema.Array(Schema.String), at: Schema.String })),
    { default: () => [] }
  )
}))

export interface Answer {
  readonly code: number | null
  readonly shown: typeof Shown.Type
  readonly err: string
}

/** The code of a plugin; `name` is its provider's. */
export const pluginCode = (imported: string, { extra = "", name = "parrot" } = {}): string => `
import { appendFileSync } from "node:fs"
import { dataProvider, definePlugin, Effect, Schema } from "reprise/plugin"
${extra}
appendFileSync(${JSON.stringify(imported)}, "imported\\n")
const provider = dataProvider({
  name: ${JSON.stringify(name)},
  program: "sleep",
  fresh: ["600"],
  sessions: { directory: "{workspace}/.parrot", file: "{sessionId}.talk" },
  transcript: { sessionId: "id", user: { where: { who: "person" }, text: "words" } },
  screen: { states: [{ state: "idle", last: /^perch>/ }], draft: { line: /^perch> ?(?<draft>.*)$/ } }
})
export default definePlugin({
  name: "provider-${name}",
  api: 1,
  needs: { executables: ["sleep"] },
  options: Schema.Struct({}),
  setup: () => Effect.succeed({ providers: { [${JSON.stringify(name)}]: provider } })
})
`

/** A team that starts no process: its only agent is paused. */
export const pausedTeam = "name: birds\nagents:\n  polly: { provider: parrot, paused: true }\n"

/** `command`: the installed command, which starts in a fraction of the time of a script. */
export const openWorld = (command: string) => {
  const box = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "rc-")))
  const at = (...parts: ReadonlyArray<string>) => Path.join(box, ...parts)
  for (const name of ["home", "work", "run"]) Fs.mkdirSync(at(name), { mode: 0o700 })
  const imported = at("imported")
  const env = (home: string) => ({
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_RUNTIME_DIR: at("run"),
    TMPDIR: Os.tmpdir(),
    ...compileCache(),
    NO_COLOR: "1"
  })
  const words = (verb: string, args: ReadonlyArray<string>) => [command, verb, ...args]
  return {
    at,
    home: at("home"),
    work: at("work"),
    words,
    env,
    write: (name: string, text: string) => {
      const path = at(name)
      Fs.mkdirSync(Path.dirname(path), { recursive: true })
      Fs.writeFileSync(path, text)
      return path
    },
    imported,
    /** Whether the plugin was imported since the last time that this was asked. */
    wasImported: (): boolean => {
      const was = Fs.existsSync(imported)
      Fs.rmSync(imported, { force: true })
      return was
    },
    reprise: async (
      verb: string,
      args: ReadonlyArray<string>,
      { env: more = {}, home = at("home"), work = at("work") }: { readonly home?: string; readonly work?: string; readonly env?: Readonly<Record<string, string>> } = {}
    ): Promise<Answer> => {
      const { code, err, out } = await run(process.execPath, words(verb, [...args, "--json"]), work, { ...env(home), ...more })
      const read = Schema.decodeUnknownEither(Shown)(out)
      if (Either.isLeft(read)) throw new Error(`reprise ${verb} ended with ${code} and said ${out} and ${err}`)
      return { code, shown: read.right, err }
    },
    close: () => Fs.rmSync(box, { recursive: true, force: true, maxRetries: 5 })
  }
}
export type World = ReturnType<typeof openWorld>
