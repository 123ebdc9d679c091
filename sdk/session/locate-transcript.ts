import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProviderAgent, SessionAddress } from "../plugin/provider-driver.ts"
import { sessionAddressOf } from "./session-address.ts"
import { listTranscripts } from "./transcript.ts"

/**
 * Where a session's transcript is. `At`: it has this address, and a file may or may not lie there. `Missing`: every place
 * in which it could have been was listed, and it is in none. `Unnamed`: its provider keeps no file of it that it could
 * name. `Unknown` authorises nothing.
 */
export type TranscriptPlace =
  | { readonly _tag: "At"; readonly path: string }
  | { readonly _tag: "Missing"; readonly looked: ReadonlyArray<string> }
  | { readonly _tag: "Unnamed" }
  | { readonly _tag: "Unknown"; readonly why: string }

/** Finds the transcript that an address means: as it stands, or in the few directories that are to be searched. */
export const locateTranscript = (
  { search, transcript }: SessionAddress
): Effect.Effect<TranscriptPlace, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    if (transcript !== null) return { _tag: "At", path: transcript } satisfies TranscriptPlace
    if (search === undefined) return { _tag: "Unnamed" } satisfies TranscriptPlace
    const found: Array<string> = []
    for (const directory of search.directories) {
      const names = yield* listTranscripts(directory)
      if (names === null) return { _tag: "Unknown", why: `${directory} could not be listed` } satisfies TranscriptPlace
      found.push(...names.filter((name) => name.endsWith(search.ending)).map((name) => join(directory, name)))
    }
    const [path] = found
    if (path === undefined) return { _tag: "Missing", looked: search.directories } satisfies TranscriptPlace
    return found.length === 1
      ? { _tag: "At", path } satisfies TranscriptPlace
      : { _tag: "Unknown", why: `more than one file could be it: ${found.join(", ")}` } satisfies TranscriptPlace
  })

/** Finds the transcript of one of the agent's sessions. */
export const transcriptOf = (
  provider: Provider,
  agent: ProviderAgent,
  sessionId: string
): Effect.Effect<TranscriptPlace, never, FileSystem.FileSystem> => {
  const address = sessionAddressOf(provider, agent, sessionId)
  return address === null
    ? Effect.succeed({ _tag: "Unknown", why: `${provider.name} can't say where its conversations are` })
    : locateTranscript(address)
}

/** The path of the transcript of one of the agent's sessions; null where there is none that could be told. */
export const transcriptPathOf = (
  provider: Provider,
  agent: ProviderAgent,
  sessionId: string | null
): Effect.Effect<string | null, never, FileSystem.FileSystem> =>
  sessionId === null
    ? Effect.succeed(null)
    : Effect.map(transcriptOf(provider, agent, sessionId), (place) => place._tag === "At" ? place.path : null)
