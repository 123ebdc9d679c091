import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Provider } from "../PluginHost.ts"
import {
  type AgentProcess,
  type Composer,
  type HostProcess,
  type ProviderAgent,
  type ProviderDriver,
  ProviderFailure,
  type TextEntry,
  type TranscriptIdentity
} from "../provider-driver.ts"
import type { ScreenState } from "../provider-screen.ts"
import type { Screen } from "../transport-driver.ts"
import * as Answers from "./answers.ts"
import { bounded, describeCause, describeProblem, describeThrown } from "./bounded-call.ts"

/** Longest time, in milliseconds, that each call may take. */
export const providerLimits = {
  command: 10_000,
  reportedSession: 10_000,
  processEvidence: 2_000,
  sessionHolders: 5_000,
  recognise: 2_000,
  checkStart: 10_000
} as const

const decodeFailure = Schema.decodeUnknownOption(Answers.ProviderFailureShape)
const problems = Schema.decodeUnknownEither(Answers.OptionProblems)
const plan = Schema.decodeUnknownEither(Answers.CommandPlan)
const address = Schema.decodeUnknownEither(Answers.SessionAddress)
const identity = Schema.decodeUnknownEither(Answers.TranscriptIdentity)
const screenState = Schema.decodeUnknownEither(Answers.ScreenState)
const startupPrompt = Schema.decodeUnknownEither(Answers.StartupPrompt)
const approvalPrompt = Schema.decodeUnknownEither(Answers.ApprovalPrompt)
const maybeText = Schema.decodeUnknownEither(Answers.MaybeText)
const truth = Schema.decodeUnknownEither(Schema.Boolean)
const agentFailure = Schema.decodeUnknownEither(Answers.AgentFailure)
const trouble = Schema.decodeUnknownEither(Answers.Trouble)
const login = Schema.decodeUnknownEither(Answers.ProviderLogin)
const evidence = Schema.decodeUnknownEither(Answers.ProcessEvidence)
const holders = Schema.decodeUnknownEither(Answers.SessionHolders)
const recognised = Schema.decodeUnknownEither(Answers.RecognisedProcess)
const textEntry = Schema.decodeUnknownEither(Answers.TextEntry)
const texts = Schema.decodeUnknownEither(Answers.Texts)
const startProblems = Schema.decodeUnknownEither(Answers.StartProblems)

type Decode<A> = (answer: unknown) => Either.Either<A, ParseResult.ParseError>

// What could not be read counts as one that may hold a conversation and can't be resumed with certainty: the other
// way round, a bug in a plugin would prove that nobody ever spoke in it.
const unreadable: TranscriptIdentity = { sessionId: null, cwd: null, marker: null, spokenTo: true, whole: false }
const unknownScreen: ScreenState = "unknown"

/** A driver behind a span that names its plugin, time limits, a check of its answers and a guard against defects. */
export const guardProvider = (
  names: { readonly plugin: string; readonly name: string },
  driver: ProviderDriver
): Provider => {
  const { name, plugin } = names
  const failure = (operation: string, detail: string) =>
    new ProviderFailure({
      provider: name,
      operation,
      detail: `${detail} (Plugin ${plugin}, provider ${name}, ${operation}.)`
    })
  const failureOf = (operation: string, cause: Cause.Cause<unknown>): ProviderFailure =>
    Cause.failureOption(cause).pipe(
      Option.flatMap(decodeFailure),
      Option.match({
        onNone: () => failure(operation, `The provider broke: ${describeCause(cause)}.`),
        onSome: ({ detail }) => new ProviderFailure({ provider: name, operation, detail })
      })
    )
  const call = <A, B>(
    operation: keyof typeof providerLimits,
    decode: Decode<A>,
    run: () => Effect.Effect<B, ProviderFailure>
  ): Effect.Effect<A, ProviderFailure> => {
    const answered = Effect.suspend(() => {
      const started = run()
      return Effect.isEffect(started)
        ? started
        : Effect.fail(failure(operation, "The provider gave something that is not an Effect."))
    }).pipe(
      Effect.flatMap((answer) =>
        Either.match(decode(answer), {
          onLeft: (problem) =>
            Effect.fail(
              failure(operation, `The provider gave an answer of the wrong shape: ${describeProblem(problem)}.`)
            ),
          onRight: (right) => Effect.succeed(right)
        })
      ),
      Effect.catchAllCause((cause) => Effect.fail(failureOf(operation, cause)))
    )
    const limitMs = providerLimits[operation]
    return bounded(answered, limitMs, () =>
      Effect.fail(failure(operation, `The provider did not answer within ${limitMs} ms.`))).pipe(
        Effect.withSpan(`provider.${operation}`, {
          attributes: { "reprise.plugin": plugin, "reprise.provider": name, "reprise.operation": operation }
        })
      )
  }
  /** A pure function's answer, or what stands for "not known" when it throws or answers nonsense. */
  const read = <A>(run: () => unknown, decode: Decode<A>, unknown: (why: string) => A): A => {
    try {
      return Either.getOrElse(decode(run()), (problem) => unknown(describeProblem(problem)))
    } catch (error) {
      return unknown(describeThrown(error))
    }
  }

  // A reader of prompts that breaks has not said that there is none: such a screen is not known, and nobody types into it.
  const promptsRead = (screen: Screen): boolean => {
    let broke = false
    const breaks = () => {
      broke = true
      return null
    }
    read(() => driver.startupPrompt(screen), startupPrompt, breaks)
    read(() => driver.approvalPrompt(screen), approvalPrompt, breaks)
    return !broke
  }

  // A composer that breaks has not said that the text arrives.
  const composerOf = (composer: Composer): Composer => ({
    entryOf: (text, agent) =>
      read<TextEntry>(() => composer.entryOf(text, agent), textEntry, (why) => ({
        _tag: "interpreted",
        effect: `may change it: its plugin ${plugin} could not tell (${why})`
      })),
    ...composer.eraseLine === undefined ? {} : { eraseLine: composer.eraseLine }
  })

  // A member that the driver leaves out stays left out: nobody is to take "it can't be asked" for an answer.
  const gone = (operation: keyof typeof providerLimits) =>
    Effect.fail(failure(operation, "The provider does not answer this any more."))
  const optional: Partial<ProviderDriver> = {
    ...driver.processEvidence === undefined ? {} : {
      processEvidence: (process: AgentProcess) =>
        call("processEvidence", evidence, () => driver.processEvidence?.(process) ?? gone("processEvidence"))
    },
    ...driver.sessionHolders === undefined ? {} : {
      sessionHolders: (agent: ProviderAgent, sessionId: string) =>
        call("sessionHolders", holders, () => driver.sessionHolders?.(agent, sessionId) ?? gone("sessionHolders"))
    },
    ...driver.recognise === undefined ? {} : {
      recognise: (process: HostProcess) =>
        call("recognise", recognised, () => driver.recognise?.(process) ?? gone("recognise"))
    },
    ...driver.checkStart === undefined ? {} : {
      checkStart: (agent: ProviderAgent, env: Readonly<Record<string, string>>) =>
        call("checkStart", startProblems, () => driver.checkStart?.(agent, env) ?? gone("checkStart"))
    },
    ...driver.login === undefined ? {} : {
      login: (agent: ProviderAgent, env: Readonly<Record<string, string>>) =>
        read(() => driver.login?.(agent, env), login, () => ({ variables: [], stored: false }))
    },
    ...driver.trouble === undefined ? {} : {
      trouble: (screen: Screen, saidAt?: Date | null) => read(() => driver.trouble?.(screen, saidAt ?? null), trouble, () => null)
    },
    ...driver.lastTurnAt === undefined ? {} : {
      lastTurnAt: (tail: string) => read(() => driver.lastTurnAt?.(tail), maybeText, () => null)
    },
    ...driver.composer === undefined ? {} : { composer: composerOf(driver.composer) },
    ...driver.userMessages === undefined ? {} : {
      userMessages: (tail: string) => read(() => driver.userMessages?.(tail), texts, () => [])
    },
    ...driver.scrubbed === undefined ? {} : { scrubbed: driver.scrubbed },
    ...driver.kept === undefined ? {} : { kept: driver.kept },
    ...driver.permissionModes === undefined ? {} : { permissionModes: driver.permissionModes },
    ...driver.permissionAliases === undefined ? {} : { permissionAliases: driver.permissionAliases },
    ...driver.defaultPermissions === undefined ? {} : { defaultPermissions: driver.defaultPermissions },
    ...driver.pasteSettleMs === undefined ? {} : { pasteSettleMs: driver.pasteSettleMs }
  }

  return {
    name,
    plugin,
    capabilities: driver.capabilities,
    executables: driver.executables,
    checkOptions: (options) =>
      read(() => driver.checkOptions(options), problems, (why) => [
        { path: [], problem: `The provider ${name} (plugin ${plugin}) could not check the options: ${why}` }
      ]),
    command: (request) => call("command", plan, () => driver.command(request)),
    // There is no address that would stand for "not known": a made-up one would look like a proof of absence. So this
    // one throws, a failure that names the plugin.
    sessionAddress: (agent, sessionId) =>
      read(() => driver.sessionAddress(agent, sessionId), address, (why) => {
        throw failure("sessionAddress", `The provider could not tell where its sessions are: ${why}.`)
      }),
    readTranscript: (head, context) => read(() => driver.readTranscript(head, context), identity, () => unreadable),
    holdsUserMessage: (tail, text) => read(() => driver.holdsUserMessage(tail, text), truth, () => false),
    classify: (screen) =>
      promptsRead(screen) ? read(() => driver.classify(screen), screenState, () => unknownScreen) : unknownScreen,
    startupPrompt: (screen) => read(() => driver.startupPrompt(screen), startupPrompt, () => null),
    approvalPrompt: (screen) => read(() => driver.approvalPrompt(screen), approvalPrompt, () => null),
    draft: (screen) => read(() => driver.draft(screen), maybeText, () => null),
    reportedSession: (process) => call("reportedSession", maybeText, () => driver.reportedSession(process)),
    explainExit: (end) =>
      read(() => driver.explainExit(end), agentFailure, (why) => ({
        kind: "unknown",
        reason: `The provider ${name} (plugin ${plugin}) could not explain it: ${why}`,
        retryable: false,
        retryAt: null
      })),
    ...optional
  }
}
