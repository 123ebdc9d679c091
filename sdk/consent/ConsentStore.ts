import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Consent, ConsentSubject } from "./consent.ts"
import { makeConsentStore } from "./consent-files.ts"

/** The consents of this user could not be read or written. */
export class ConsentStoreUnusable
  extends Schema.TaggedError<ConsentStoreUnusable>("reprise/ConsentStoreUnusable")("ConsentStoreUnusable", {
    directory: Schema.String,
    detail: Schema.String
  })
{
  override get message(): string {
    return this.detail
  }
}

/** A file in the store that is no consent of this user. */
export interface UnreadableConsent {
  readonly file: string
  readonly reason: string
}

export interface ConsentListing {
  readonly consents: ReadonlyArray<Consent>
  readonly unreadable: ReadonlyArray<UnreadableConsent>
}

/** The consents of this user, in the user's configuration directory. One file for each, so that concurrent commands never overwrite each other. */
export class ConsentStore extends Context.Tag("reprise/ConsentStore")<ConsentStore, {
  /** Where the consents are; it need not exist. */
  readonly directory: string
  /** Whether the user consented to exactly this: kind, real path and digest. */
  readonly has: (subject: ConsentSubject) => Effect.Effect<boolean, ConsentStoreUnusable>
  /** All consents, the oldest first. */
  readonly list: Effect.Effect<ConsentListing, ConsentStoreUnusable>
  readonly give: (subject: ConsentSubject) => Effect.Effect<void, ConsentStoreUnusable>
  /** Removes the records of these consents. The next command does not find them. */
  readonly revoke: (consents: ReadonlyArray<Consent>) => Effect.Effect<void, ConsentStoreUnusable>
}>() {
  /** The store of the user whose environment this is. */
  static readonly layer = (env: Readonly<Record<string, string | undefined>>): Layer.Layer<ConsentStore> =>
    Layer.sync(ConsentStore, () => ConsentStore.of(makeConsentStore(env, (fields) => new ConsentStoreUnusable(fields))))
}
