import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"
import type { Json } from "../domain/json.ts"

// A user consents to exactly one thing: these contents, at this real path, that ask for this. The record is kept in the
// user's own configuration directory, never in a workspace.

/** What a user can consent to. A new kind needs a literal here and a function that examines it. */
export const ConsentKind = Schema.Literal("plugin")
export type ConsentKind = typeof ConsentKind.Type

/** A file that a consent covers. */
export interface CoveredFile {
  /** Relative to the directory of the subject, so that the digest does not depend on where it lies. */
  readonly name: string
  readonly sha256: string
}

/** Something that needs consent, as it is now. */
export const ConsentSubject = Schema.Struct({
  kind: ConsentKind,
  /** Absolute, symlinks resolved. */
  path: Schema.NonEmptyString,
  digest: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/)),
  /** Sentences: what is granted. */
  grants: Schema.Array(Schema.String),
  /** The names of the files that the digest covers. */
  covers: Schema.Array(Schema.String)
})
export type ConsentSubject = typeof ConsentSubject.Type

/** A stored consent. Its kind is any text, so that records of a newer version can be listed and revoked. */
export const Consent = Schema.Struct({
  ...ConsentSubject.fields,
  kind: Schema.NonEmptyString,
  /** When it was given. */
  at: Schema.String
})
export type Consent = typeof Consent.Type

const digestFormat = "reprise consent 1"

/** SHA-256 in hexadecimal. */
export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex")

const byName = (left: CoveredFile, right: CoveredFile): number => left.name < right.name ? -1 : left.name > right.name ? 1 : 0

/** The digest of a subject: its kind, what it asks for, and the name and content of each file. The order of files is irrelevant. */
export const consentDigest = (
  { asks, files, kind }: { readonly kind: ConsentKind; readonly asks: Json; readonly files: ReadonlyArray<CoveredFile> }
): string =>
  sha256(JSON.stringify([digestFormat, kind, asks, files.toSorted(byName).map(({ name, sha256: content }) => [name, content])]))
