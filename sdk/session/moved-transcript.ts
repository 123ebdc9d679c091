import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { dirname, join } from "node:path"
import type { SessionRef } from "../domain/session.ts"
import type { Provider } from "../plugin/PluginHost.ts"
import type { SessionAddress } from "../plugin/provider-driver.ts"
import { listTranscripts, readTranscriptFile } from "./transcript.ts"

/** Where a transcript is that is not where its CLI will look. */
export type Moved =
  | { readonly _tag: "Found"; readonly path: string; readonly cwd: string | null }
  /** A file has its id in the name, and what it holds could not be read: a compressed one, say. */
  | { readonly _tag: "Named"; readonly path: string }
  | { readonly _tag: "Several"; readonly paths: ReadonlyArray<string> }
  | { readonly _tag: "Nowhere" }
  | { readonly _tag: "Unknown"; readonly why: string }

/** How many files with the id in their name are opened. */
const mostOpened = 16
/** How many directories beside the transcript's own are listed. */
const mostListed = 500

/**
 * Looks for a session's transcript in the few places that anybody knows of: where it was recorded, beside that, and in the
 * provider's directories. A file counts when it says that it is this session, by whatever name.
 */
export const findMoved = (
  session: SessionRef,
  provider: Provider,
  address: SessionAddress
): Effect.Effect<Moved, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const recorded = session.transcript === null ? [] : [session.transcript]
    const beside = address.movedWithin === undefined ? [] : yield* listTranscripts(address.movedWithin)
    const directories = new Set([
      ...(beside ?? []).slice(0, mostListed).map((name) => join(address.movedWithin ?? "", name)),
      address.directory,
      ...address.alsoIn ?? [],
      ...address.search?.directories ?? [],
      ...recorded.map((path) => dirname(path))
    ])
    const named: Array<string> = []
    let unlisted: string | null = beside === null ? address.movedWithin ?? null : null
    for (const directory of directories) {
      const names = yield* listTranscripts(directory)
      // What lies among other directories may be a file.
      if (names === null && dirname(directory) !== address.movedWithin) unlisted = directory
      named.push(...(names ?? []).filter((name) => name.includes(session.id)).map((name) => join(directory, name)))
    }
    const found: Array<{ readonly path: string; readonly cwd: string | null }> = []
    let unread: string | null = null
    for (const path of [...new Set([...recorded, ...named])].filter((path) => path !== address.transcript).slice(0, mostOpened)) {
      const file = yield* readTranscriptFile(path)
      if (file._tag === "Unreadable") unread ??= path
      if (file._tag !== "Present") continue
      const { cwd, sessionId } = provider.readTranscript(file.head, { path, truncated: file.truncated })
      if (sessionId === session.id) found.push({ path, cwd })
      if (sessionId === null && file.head !== "") unread ??= path
    }
    const [one, another] = found
    if (another !== undefined) return { _tag: "Several", paths: found.map(({ path }) => path) } satisfies Moved
    if (one !== undefined) return { _tag: "Found", ...one } satisfies Moved
    if (unread !== null) return { _tag: "Named", path: unread } satisfies Moved
    return unlisted === null
      ? { _tag: "Nowhere" } satisfies Moved
      : { _tag: "Unknown", why: `${unlisted} could not be listed` } satisfies Moved
  })
