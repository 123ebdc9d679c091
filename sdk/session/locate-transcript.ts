import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import type { Provider } from "../plugin/PluginHost.ts"
import type { ProviderAgent, SessionAddress } from "../plugin/provider-driver.ts"
import { sessionAddressOf } from "./session-address.ts"
import { listTranscripts } from "./transcript.ts"

/**
 * Where a session's transcript is. `At`: it has this address, and a file may or may not lie there. `Missing`: every place
 * in which it could have been was listed, and it is in none. `Archived`: it lies where its CLI opens it only after it was
 * brought back. `Unnamed`: its provider keeps no file of it that it could
 * name. `Unknown` authorises nothing.
 */
export type TranscriptPlace =
  | { readonly _tag: "At"; readonly path: string }
  | { readonly _tag: "Missing"; readonly looked: ReadonlyArray<string> }
  | { readonly _tag: "Archived"; readonly path: string; readonly restore: string | null }
  | { readonly _tag: "Unnamed" }
  | { readonly _tag: "Unknown"; readonly why: string }

/** The files of some directories whose names end so; the first directory that could not be listed, in their place. */
const endingSo = (directories: ReadonlyArray<string>, ending: string) =>
  Effect.gen(function*() {
    const found: Array<string> = []
    for (const directory of directories) {
      const names = yield* listTranscripts(directory)
      if (names === null) return { unlisted: directory, found: [] }
      found.push(...names.filter((name) => name.endsWith(ending)).map((name) => join(directory, name)))
    }
    return { unlisted: null, found }
  })

const severalOf = (found: ReadonlyArray<string>): TranscriptPlace =>
  ({ _tag: "Unknown", why: `more than one file could be it: ${found.join(", ")}` })

/** Looks for another form of a conversation of which there is no file as named; null where there is none. */
export const locateForm = ({ forms = [] }: SessionAddress): Effect.Effect<TranscriptPlace | null, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    for (const { directories, ending, kind, restore } of forms) {
      const { found, unlisted } = yield* endingSo(directories, ending)
      if (unlisted !== null) return { _tag: "Unknown", why: `${unlisted} could not be listed` } satisfies TranscriptPlace
      const [path] = found
      if (path === undefined) continue
      if (found.length > 1) return severalOf(found)
      return kind === "resumable"
        ? { _tag: "At", path } satisfies TranscriptPlace
        : { _tag: "Archived", path, restore: restore ?? null } satisfies TranscriptPlace
    }
    return null
  })

/** Finds the transcript that an address means: as it is named, or in the few directories to search, in whatever form. */
export const locateTranscript = (
  address: SessionAddress
): Effect.Effect<TranscriptPlace, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { search, transcript } = address
    if (transcript !== null) return { _tag: "At", path: transcript } satisfies TranscriptPlace
    if (search === undefined) return { _tag: "Unnamed" } satisfies TranscriptPlace
    const { found, unlisted } = yield* endingSo(search.directories, search.ending)
    if (unlisted !== null) return { _tag: "Unknown", why: `${unlisted} could not be listed` } satisfies TranscriptPlace
    const [path] = found
    if (path !== undefined) return found.length === 1 ? { _tag: "At", path } satisfies TranscriptPlace : severalOf(found)
    return (yield* locateForm(address)) ?? { _tag: "Missing", looked: search.directories } satisfies TranscriptPlace
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
