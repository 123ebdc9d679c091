// reprise VERB …: starts the script of that verb. Only that one is loaded.
import { likely } from "../sdk/spec/suggestion.ts"
import { outlastReaders } from "./command/readers.ts"
import { version } from "./command/version.ts"
import type { Verb } from "./command/verb.ts"

const verbs: Readonly<Record<string, { readonly does: string; readonly load: () => Promise<{ readonly verb: Verb }> }>> = {
  up: { does: "start the team of a team file", load: () => import("./up.ts") },
  status: { does: "show what each agent does, and how that is known", load: () => import("./status.ts") },
  send: { does: "send a message to an agent", load: () => import("./send.ts") },
  restart: { does: "bring the team back with its memory", load: () => import("./restart.ts") },
  supervise: { does: "bring agents back that die, as long as it runs", load: () => import("./supervise.ts") },
  apply: { does: "carry out a plan that `restart --plan-out` wrote", load: () => import("./apply.ts") },
  adopt: { does: "make a team of agents that you started by hand", load: () => import("./adopt.ts") },
  fork: { does: "add an agent that begins with a copy of another's conversation", load: () => import("./fork.ts") },
  down: { does: "stop the team; its conversations are kept", load: () => import("./down.ts") },
  log: { does: "print the event log", load: () => import("./log.ts") },
  recover: { does: "rebuild a log that is lost or older than what runs", load: () => import("./recover.ts") },
  trust: { does: "list, show or revoke what you have consented to", load: () => import("./trust.ts") },
  simulate: { does: "play policies in virtual time, and compare what comes of them", load: () => import("./simulate.ts") },
  demo: { does: "show the main job on a team of fake agents", load: () => import("./demo.ts") }
}

/** What other programs call the same. */
const otherNames: Readonly<Record<string, string>> = {
  start: "up", run: "up", launch: "up", init: "up", stop: "down", kill: "down", quit: "down", shutdown: "down", ps: "status", ls: "status", list: "status",
  tell: "send", message: "send", msg: "send", say: "send", resume: "restart", continue: "restart", reload: "restart", watch: "supervise",
  copy: "fork", clone: "fork", import: "log", export: "log", history: "log", events: "log", sim: "simulate", restore: "recover", attach: "status"
}

const nearest = (word: string): string | undefined =>
  Object.hasOwn(otherNames, word) ? otherNames[word] : likely(word, Object.keys(verbs))

const unknownVerb = (word: string, rest: ReadonlyArray<string>): { readonly says: string; readonly next: ReadonlyArray<string> } => {
  const verb = rest.find((one) => Object.hasOwn(verbs, one))
  if (word.startsWith("-")) {
    return {
      says: `The verb comes first, and ${word.split("=")[0]} stands in its place.`,
      next: verb === undefined ? ["reprise --help"] : [`reprise ${verb} ${[word, ...rest.filter((one) => one !== verb)].join(" ")}`]
    }
  }
  const near = nearest(word)
  return near === undefined
    ? { says: `There is no verb ${JSON.stringify(word)}; the verbs are ${Object.keys(verbs).join(", ")}.`, next: ["reprise --help"] }
    : { says: `There is no verb ${JSON.stringify(word)}; did you mean "${near}"?`, next: [`reprise ${near} --help`, "reprise --help"] }
}

const help = [
  `reprise ${version}: teams of coding agents that come back with their memory`,
  "",
  "  reprise VERB [--workspace DIR] [--team KEY] [--json] …",
  "",
  ...Object.entries(verbs).map(([name, { does }]) => `  ${name.padEnd(11)}${does}`),
  "",
  "reprise VERB --help tells the options of a verb.",
  ""
].join("\n")

outlastReaders()
const [name, ...args] = process.argv.slice(2)
const found = name === undefined ? undefined : Object.hasOwn(verbs, name) ? verbs[name] : undefined
if (found !== undefined) {
  process.exitCode = 1
  void found.load().then(({ verb }) => verb.main(args)).then((code) => { process.exitCode = code })
} else if (name === undefined || name === "--help" || name === "-h" || name === "help") {
  process.stdout.write(help)
} else if (name === "--version") {
  process.stdout.write(`${version}\n`)
} else {
  const { next, says } = unknownVerb(name, args)
  const message = `${says} Nothing was done.`
  if (process.argv.includes("--json")) {
    process.stdout.write(`${JSON.stringify({ schema: "reprise.usage/1", ok: false, outcome: "usage", message, next })}\n`)
  } else process.stderr.write(`${message}\nNext: ${next.join("\n   or ")}\n`)
  process.exitCode = 2
}
