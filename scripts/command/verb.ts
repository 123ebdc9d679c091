import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { realpathSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { invalidSettings, type PluginRejected, RepriseLive } from "../../sdk/index.ts"
import { camelCased, type Document, failureDocument } from "./document.ts"
import { interruptedDocument } from "./interrupted.ts"
import { flagsOf, placesOf, readFlags, tooMany } from "./known-flags.ts"
import { keepForTheAnswer, write } from "./output.ts"
import { type CommandConsent, consentOf, digestsOf, loadListed, type PluginUse, rejectedDocument, tellRejected, trusting, withRejected } from "./plugin-report.ts"
import { outlastReaders } from "./readers.ts"
import { untilEnded } from "./until-ended.ts"
import { version } from "./version.ts"

/** Options that every verb has. */
const everywhere = {
  workspace: Options.directory("workspace").pipe(
    Options.withPseudoName("DIR"),
    Options.withDescription("The workspace; by default the nearest directory at or above this one that holds .reprise/."),
    Options.optional
  ),
  json: Options.boolean("json").pipe(
    Options.withDescription("Answer with one JSON document on standard output, and nothing else there.")
  ),
  transport: Options.text("transport").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("Where the agents live: tmux, pty, or one of a plugin's. Chosen with `up` and remembered."),
    Options.optional
  ),
  plugin: Options.text("plugin").pipe(
    Options.withPseudoName("SPEC"),
    Options.withDescription("A plugin beyond the built-in ones: a path or a package. May be given more than once."),
    Options.repeated
  ),
  allowPlugin: Options.text("allow-plugin").pipe(
    Options.withPseudoName("SPEC"),
    Options.withDescription("Loads a plugin, and consents to it as it is now; the consent is stored. May be given more than once."),
    Options.repeated
  ),
  trust: Options.text("trust").pipe(
    Options.withPseudoName("DIGEST"),
    Options.withDescription("Consents to what has exactly this digest. May be given more than once."),
    Options.repeated
  )
}

/** A verb that has a `--trust` of its own keeps it. */
const noTrust = Options.map(Options.none, (): ReadonlyArray<string> => [])

/** The options that every verb gets besides its own. */
export interface Everywhere {
  readonly json: boolean
  readonly plugins: ReadonlyArray<string>
  /** Digests that the user consents to. */
  readonly trust: ReadonlyArray<string>
  /** For a verb that opens the workspace again. */
  readonly consent: CommandConsent
  readonly transport: string | undefined
}

/** Standard output belongs to the answer. */
const warningsAside = Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger))

interface VerbDefinition<Config extends Command.Command.Config> {
  readonly name: string
  readonly description: string
  readonly config: Config
  readonly run: (
    config: Command.Command.ParseConfigValue<Config>,
    everywhere: Everywhere
  ) => Effect.Effect<Document, unknown, RepriseLive.RepriseServices>
  /** Whether the workspace's log is opened; it is by default. */
  readonly log?: (config: Command.Command.ParseConfigValue<Config>) => "opened" | "unopened"
  /** What a person is shown; the message alone by default. */
  readonly human?: (document: Document) => string
  /** Prints its own lines; there is no closing document unless it failed. */
  readonly silent?: (config: Command.Command.ParseConfigValue<Config>) => boolean
  /** Ends, on a signal, what must not outlive the verb; says so in the place of what is unfinished. Synchronous. */
  readonly abandon?: () => string
  /** What becomes of the verb where a plugin was rejected. @default "needed" */
  readonly plugins?: PluginUse
  /** Goes on in the foreground after the answer was shown. */
  readonly afterwards?: (document: Document) => Effect.Effect<void, unknown, RepriseLive.RepriseServices>
}

/** A verb of the command line, ready to be run with its arguments. */
export interface Verb {
  readonly name: string
  readonly description: string
  readonly main: (args: ReadonlyArray<string>) => Promise<number>
}

const withNext = (document: Document): string =>
  document.next.length === 0 || document.ok ? "" : `\nNext: ${document.next.join("\n   or ")}`

const show = (verb: string, document: Document, json: boolean, human?: (document: Document) => string) => {
  if (json) {
    const { details, message, next, ok, outcome, ...members } = document
    const shown = { schema: `reprise.${verb}/1`, ok, outcome, message, next, ...members }
    return write("stdout", `${JSON.stringify(details === undefined ? shown : { ...shown, details: camelCased(details) })}\n`)
  }
  return document.ok
    ? write("stdout", `${(human ?? ((it) => it.message))(document)}\n`)
    : write("stderr", [
      ...typeof document["table"] === "string" ? [document["table"]] : [],
      `${document.message}${withNext(document)}`,
      ""
    ].join("\n"))
}

const usageDocument = (verb: string, error: ValidationError.ValidationError): Document => ({
  outcome: "usage",
  ok: false,
  message: `${HelpDoc.toAnsiText(error.error).replace(/\u001b\[[0-9;]*m/g, "").replace(/\s+/g, " ").trim().replace(/\.?$/, ".")} Nothing was done.`,
  next: [`reprise ${verb} --help`]
})

const unanswered: Document = {
  outcome: "failed",
  ok: false,
  message: "It waited for something that can't come any more, such as a promise that nobody settles, and was ended. " +
    "What was done before stands in the log.",
  next: ["reprise status"]
}

/** Why the current directory can't be told; null where it can. */
const currentDirectoryLost = (): string | null => {
  try {
    process.cwd()
    return null
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    return `The current directory ${code === "ENOENT" ? "does not exist any more" : `can't be read (${code})`}. Nothing was done. ` +
      "Change to a directory that exists, and run the command again."
  }
}

/** Makes a verb from its options and what it does. */
export const defineVerb = <const Config extends Command.Command.Config>(definition: VerbDefinition<Config>): Verb => {
  const { abandon, afterwards, description, human, name, plugins: use = "needed", run, silent } = definition
  const common = { ...everywhere, trust: "trust" in definition.config ? noTrust : everywhere.trust }
  let typed: ReadonlyArray<string> = []
  let rejected: ReadonlyArray<PluginRejected> = []
  let exitCode = 0
  let json = false
  let answered = false
  let workspace: string | undefined
  let quiet = false
  const answer = (document: Document, code: number) =>
    Effect.suspend(() => {
      exitCode = code
      answered = true
      return show(name, document, json, human)
    }).pipe(
      Effect.catchTags({
        ReaderGone: () => Effect.void,
        OutputFailed: ({ message }) => {
          exitCode = 1
          return Effect.ignore(write("stderr", `${message}\n`))
        }
      })
    )

  const command = Command.make(name, { own: definition.config, common }, ({ common: given, own }) => {
    json = given.json
    workspace = Option.getOrUndefined(given.workspace)
    quiet = silent?.(own) === true
    const named = [...new Set([...given.plugin, ...given.allowPlugin])]
    const consent = consentOf({ named, allowed: given.allowPlugin, trusted: given.trust, json })
    return Effect.gen(function*() {
      if (use !== "ignored") {
        rejected = yield* loadListed
        const refused = rejected.filter(({ spec }) => named.includes(spec))
        if (use === "needed" && refused.length > 0) return yield* answer(rejectedDocument(refused, trusting(name, typed)), 1)
        yield* tellRejected(rejected)
      }
      const done = yield* run(own, { json, plugins: named, trust: given.trust, consent, transport: Option.getOrUndefined(given.transport) })
      const document = withRejected(done, { rejected, named, again: trusting(name, typed) })
      if (quiet) exitCode = document.ok ? 0 : 1
      // A person was told of the plugins before.
      else yield* answer(json ? document : done, document.ok ? 0 : 1)
      if (document.ok && afterwards !== undefined) yield* afterwards(document)
    }).pipe(
      Effect.provide(RepriseLive.commandLayer({
        workspace,
        log: definition.log?.(own) ?? "opened",
        consent
      })),
      Effect.catchAllCause((cause) => {
        const { document, exitCode: code } = failureDocument(cause, name, digestsOf(cause).map(trusting(name, typed)))
        return answer(json ? withRejected(document, { rejected, named, again: trusting(name, typed) }) : document, code)
      })
    )
  }).pipe(Command.withDescription(description))

  const main = async (args: ReadonlyArray<string>): Promise<number> => {
    json = args.includes("--json")
    typed = args
    outlastReaders()
    if (json) keepForTheAnswer()
    const read = readFlags(args, flagsOf({ ...common, ...definition.config }))
    if ("wrong" in read) {
      await Effect.runPromise(answer({ outcome: "usage", ok: false, message: read.wrong, next: [`reprise ${name} --help`] }, 2))
      return exitCode
    }
    const helps = read.words.includes("--help")
    const extra = helps ? null : tooMany(name, placesOf(definition.config), read.values)
    if (extra !== null) {
      await Effect.runPromise(answer({ outcome: "usage", ok: false, message: extra.wrong, next: extra.next }, 2))
      return exitCode
    }
    const [unset] = helps ? [] : invalidSettings(process.env)
    if (unset !== undefined) {
      await Effect.runPromise(answer({ outcome: "usage", ok: false, message: unset.message, next: [`unset ${unset.name}`], details: { name: unset.name, value: unset.value, expected: unset.expected } }, 2))
      return exitCode
    }
    const lost = helps ? null : currentDirectoryLost()
    if (lost !== null) {
      await Effect.runPromise(answer({ outcome: "failed", ok: false, message: lost, next: ["cd ~"] }, 1))
      return exitCode
    }
    const cli = Command.run(command, { name: `reprise ${name}`, version })
    // What the parser prints by itself is help, or a complaint that we say in our own envelope.
    const quietErrors = Console.withConsole(
      Console.Console.of({ ...Effect.runSync(Console.consoleWith(Effect.succeed)), error: () => Effect.void })
    )
    const ending = await untilEnded(
      cli(["node", name, ...read.words]).pipe(
        quietErrors,
        Effect.catchAll((error) => ValidationError.isValidationError(error) ? answer(usageDocument(name, error), 2) : Effect.void),
        // What breaks outside of the verb itself is no success.
        Effect.catchAllDefect((defect) => answer(failureDocument(Cause.die(defect), name).document, 1)),
        Effect.provide(Layer.mergeAll(
          warningsAside,
          NodeContext.layer,
          CliConfig.layer({ showBuiltIns: false, showTypes: true })
        ))
      )
    )
    if (ending._tag === "Signalled") {
      const done = abandon?.()
      if (!answered && !quiet) {
        await Effect.runPromise(done === undefined
          ? Effect.flatMap(interruptedDocument(name, workspace), (document) => answer(document, ending.exitCode))
          : answer({ outcome: "failed", ok: false, message: `It was interrupted. ${done}`, next: ["reprise status"], details: { reason: "interrupted" } }, ending.exitCode))
      }
      // What could not be let go in time would keep the process.
      if (!ending.released) process.exit(ending.exitCode)
      return ending.exitCode
    }
    if (ending._tag === "Done") return exitCode
    if (!answered) await Effect.runPromise(answer(unanswered, 1))
    return 1
  }
  return { name, description, main }
}

/** Runs a verb as this process's own. Whatever ends it before it says how it went, it did not go well. */
export const startVerb = (verb: Verb, args: ReadonlyArray<string>): void => {
  process.exitCode = 1
  void verb.main(args).then((code) => { process.exitCode = code })
}

/** Runs the verb if the script that holds it is the one that was started. */
export const runIfStarted = (url: string, verb: Verb): void => {
  const started = process.argv[1]
  if (started === undefined || realpathSync(started) !== fileURLToPath(url)) return
  startVerb(verb, process.argv.slice(2))
}
