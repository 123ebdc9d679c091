import { join, resolve } from "node:path"
import { Effect, type HostProcess, type Json, processTable, ProviderFailure, type RecognisedProcess } from "reprise/plugin"
import { codexWords, type CodexWords, readWords } from "./argv.ts"
import { conversationIn, type OpenConversation } from "./evidence.ts"
import { endsOf, epochOf, wordsOf } from "./host.ts"
import { modeOfFlags } from "./permissions.ts"
import { nativeIn } from "./processes.ts"
import { readTranscript } from "./transcript.ts"

// A Codex that a person started by hand, for adoption. Only what a person talks to is one.

const otherVerbs = new Set([
  "exec", "e", "review", "login", "logout", "mcp", "mcp-server", "plugin", "completion", "update", "doctor", "sandbox",
  "debug", "apply", "a", "queue", "archive", "delete", "migrate-rollouts", "migrate-nfs-db", "unarchive", "cloud",
  "exec-server", "features", "help", "proto", "generate-ts"
])

const filled = (value: string | undefined): string | null => value === undefined || value === "" ? null : value

/** What of its command line and environment a resume has to repeat. */
const settingsOf = ({ config, flags, values }: CodexWords, env: Readonly<Record<string, string>>) => {
  const codexHome = filled(env["CODEX_HOME"])
  const profile = values["--profile"]
  const options: Record<string, Json> = profile !== undefined && /^\w[\w-]*$/.test(profile) ? { profile } : {}
  return {
    model: filled(values["--model"]),
    permissions: modeOfFlags({
      bypass: flags.has("--dangerously-bypass-approvals-and-sandbox") || flags.has("--yolo"),
      sandbox: values["--sandbox"] ?? (flags.has("--full-auto") || flags.has("--approve-for-me") ? "workspace-write" : config["sandbox_mode"] ?? null),
      approval: values["--ask-for-approval"] ?? config["approval_policy"] ?? null
    }),
    options,
    env: codexHome === null ? {} : { CODEX_HOME: codexHome }
  }
}

/** Knows a process for a Codex that a person talks to; null for any other, one that belongs to another Codex included. */
export const recognise = (process: HostProcess): Effect.Effect<RecognisedProcess | null, ProviderFailure> =>
  Effect.gen(function*() {
    const called = codexWords(process.argv)
    if (called === null) return null
    const words = readWords(called.words)
    if (words.verb !== null && otherVerbs.has(words.verb)) return null
    // The script that npm installs and the program that it starts are one Codex: it is told of once, as the script.
    if (!called.script && codexWords(wordsOf(process.ppid))?.script === true) return null
    const settings = settingsOf(words, process.env)
    const cwd = resolve(process.cwd ?? process.env["PWD"] ?? "/", words.values["--cd"] ?? ".")
    const untold = (evidence: string): RecognisedProcess => ({ sessionId: null, transcript: null, cwd, ...settings, evidence })
    const told = ({ sessionId, transcript }: OpenConversation) => {
      const head = transcript === null ? null : endsOf(transcript)?.head ?? null
      const said = head === null ? null : readTranscript(head, { truncated: true }).cwd
      return { sessionId, transcript, cwd: said ?? cwd, ...settings }
    }
    // What looks after the background server: it has no conversation.
    if (words.verb === "app-server" && words.object !== null) return null
    if (words.verb === "app-server" || words.verb === "remote-control") {
      return untold("It is Codex's background server: it may hold conversations of several windows, and which is whose can't be told.")
    }
    const table = yield* processTable
    const native = table === null ? null : nativeIn(table, process.pid)
    if (native === null) return untold("The program that has the conversation open was not found below this process.")
    const started = table?.find(({ pid }) => pid === native)?.startTime
    const found = conversationIn(native, started === undefined ? null : epochOf(started))
    switch (found._tag) {
      case "Unreadable":
        return untold(`The open files of process ${native} could not be read.`)
      case "Several": {
        const open = `Process ${native} has several conversations open: ${found.sessions.join(", ")}`
        return found.latest === null
          ? untold(`${open}. Which one was written last in its life is not certain: say something in the one to keep, then adopt again.`)
          : { ...told(found.latest), confidence: "medium", evidence: `${open}. ${found.latest.sessionId} was written last.` }
      }
      case "None":
        return untold(
          words.flags.has("--no-daemon")
            ? `Process ${native} has no conversation open (yet).`
            : `Process ${native} has no conversation open itself: Codex's background server has it, or it shows a list or ` +
              "a question. To have it told, leave it with /quit, run codex app-server daemon stop, and go on with " +
              "codex resume ID --no-daemon."
        )
      case "One": {
        const { sessionId } = found.conversation
        const evidence = `Process ${native} holds the lock of ${sessionId} in ${join("thread-writer-locks", `${sessionId}.lock`)}.`
        return { ...told(found.conversation), evidence }
      }
    }
  })
