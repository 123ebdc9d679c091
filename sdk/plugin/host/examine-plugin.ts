import * as Fs from "node:fs/promises"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import { consentDigest, type ConsentSubject } from "../../consent/consent.ts"
import type { Needs } from "../definePlugin.ts"
import { PluginRejected } from "../PluginHost.ts"
import { describeThrown } from "./bounded-call.ts"
import { coverFiles, NotCovered } from "./covered-files.ts"
import { type Manifest, ManifestInvalid, readManifest } from "./manifest.ts"
import { describeNeeds } from "./needs.ts"

/** A plugin as it can be known without running it. */
export interface ExaminedPlugin {
  /** The real path's URL: what is hashed is what is imported. */
  readonly url: string
  readonly subject: ConsentSubject
  readonly manifest: Manifest | null
  /** Files that may be imported, by real path, and the hash of each. */
  readonly hashes: ReadonlyMap<string, string>
}

/** What consent to a plugin grants, for people. */
const grantsOf = (needs: Required<Needs> | null): ReadonlyArray<string> =>
  needs === null
    ? ["run its code, with whatever that asks for (it has no manifest that lists its needs)"]
    : ["run its code", describeNeeds(needs) ?? "use nothing else"]

const examine = async (url: string, directory: string | null): Promise<ExaminedPlugin> => {
  const entry = await Fs.realpath(fileURLToPath(url))
  const root = directory === null ? null : await Fs.realpath(directory)
  const manifest = await readManifest(entry, root)
  const { files, hashes } = await coverFiles(entry, root)
  const needs = manifest === null ? null : manifest.needs
  return {
    url: pathToFileURL(entry).href,
    manifest,
    hashes,
    subject: {
      kind: "plugin",
      path: root ?? entry,
      digest: consentDigest({
        kind: "plugin",
        asks: needs === null ? null : [needs.executables, needs.directories, needs.env],
        files
      }),
      grants: grantsOf(needs),
      covers: files.map(({ name }) => name).toSorted()
    }
  }
}

/** Reads what a plugin asks for and hashes its files. Nothing of it is run. */
export const examinePlugin = (spec: string, url: string, directory: string | null): Effect.Effect<ExaminedPlugin, PluginRejected> =>
  Effect.tryPromise({
    try: () => examine(url, directory),
    catch: (error) =>
      new PluginRejected({
        spec,
        plugin: null,
        stage: error instanceof ManifestInvalid ? "needs" : "resolve",
        detail: error instanceof ManifestInvalid
          ? `${error.message}. Nothing of it was run.`
          : `${error instanceof NotCovered ? error.message : `its files can't be read (${describeThrown(error)})`}, so no consent can cover it. Nothing of it was run.`
      })
  })
