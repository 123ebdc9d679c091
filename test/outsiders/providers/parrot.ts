// A provider as somebody else would write it: only data, and only `reprise/plugin` is imported. Its CLI repeats what it
// hears and keeps each conversation in a file of JSON lines.
import { dataProvider, definePlugin, Effect, Schema } from "reprise/plugin"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("./parrot-cli.mjs", import.meta.url))
const home = "{workspace}/.parrot/talks"
const flags = [["--model", "{model}"], ["--accent={option.accent}"], "--perch={workspace}"]

export default definePlugin({
  name: "provider-parrot",
  api: 1,
  needs: { executables: [program], directories: [home] },
  options: Schema.Struct({}),
  setup: () =>
    Effect.succeed({
      providers: {
        parrot: dataProvider({
          name: "parrot",
          program,
          options: Schema.Struct({ accent: Schema.optional(Schema.Literal("plain", "pirate")) }),
          fresh: ["talk", "--new={sessionId}", ...flags],
          resume: ["talk", "--again={sessionId}", ...flags],
          env: { PARROT_ROLE: "{role}", PARROT_DEBUG: null },
          sessions: { directory: home, file: "{sessionId}.talk" },
          transcript: {
            sessionId: "talk.id",
            cwd: "talk.cwd",
            user: { where: { who: "person" }, text: "words" }
          },
          screen: {
            states: [
              { state: "idle", last: /^perch> [^\n]*$/ },
              { state: "busy", last: /^\(squawking\)$/ },
              { state: "starting", last: /^\(waking up\)$/ }
            ],
            startupPrompts: [
              { name: "cage", question: "Open the cage?", last: /^Open the cage\? \[y\/N\]$/, answer: ["y"] }
            ],
            draft: { line: /^perch> (?<draft>.*)$/, placeholder: /^\(say something\)$/ }
          },
          exits: [
            { code: 9, kind: "missing_transcript", reason: "The parrot has forgotten this talk.", retryable: false },
            { code: 64, kind: "bad_flags", reason: "The parrot did not understand its arguments.", retryable: false }
          ]
        })
      }
    })
})
