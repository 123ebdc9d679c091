import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { Needs } from "../definePlugin.ts"
import { describeProblem } from "./bounded-call.ts"
import { completeNeeds } from "./plugin-shape.ts"

// What a plugin asks for, readable without running it: `NAME.reprise.json` beside its file, or `reprise.needs` in its
// package.json.

/** What a plugin's manifest declares, and where. */
export interface Manifest {
  readonly file: string
  readonly needs: Required<Needs>
}

/** The manifest can't be read; the sentence says why. */
export class ManifestInvalid extends Error {}

const Names = Schema.optionalWith(Schema.Array(Schema.NonEmptyString), { exact: true })
const DeclaredNeeds = Schema.Struct({ executables: Names, directories: Names, env: Names })
const Declared = Schema.Struct({ needs: DeclaredNeeds, $schema: Schema.optionalWith(Schema.String, { exact: true }) })
const PackageManifest = Schema.Struct({ reprise: Schema.optionalWith(Schema.Unknown, { exact: true }) })

const textOf = async (file: string): Promise<string | null> => {
  try {
    return await Fs.readFile(file, "utf8")
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : null
    if (code === "ENOENT" || code === "ENOTDIR") return null
    throw new ManifestInvalid(`its manifest ${file} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const parsed = (file: string, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ManifestInvalid(`its manifest ${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const declaredIn = (file: string, value: unknown): Manifest => {
  const read = Schema.decodeUnknownEither(Declared, { onExcessProperty: "error" })(value)
  if (Either.isLeft(read)) {
    throw new ManifestInvalid(`its manifest ${file} is wrong (${describeProblem(read.left)}). Write {"needs": {"executables": [], "directories": [], "env": []}}`)
  }
  return { file, needs: sortedNeeds(completeNeeds(read.right.needs)) }
}

/** The needs in one order, each named once: two that ask for the same are equal. */
export const sortedNeeds = ({ directories, env, executables }: Required<Needs>): Required<Needs> => ({
  executables: [...new Set(executables)].toSorted(),
  directories: [...new Set(directories)].toSorted(),
  env: [...new Set(env)].toSorted()
})

const besides = (entry: string): string =>
  Path.join(Path.dirname(entry), `${Path.basename(entry, Path.extname(entry))}.reprise.json`)

/** The package.json of the directory, else the nearest above the file. */
const packageJson = async (entry: string, directory: string | null): Promise<{ readonly file: string; readonly text: string } | null> => {
  for (let here = directory ?? Path.dirname(entry);; here = Path.dirname(here)) {
    const file = Path.join(here, "package.json")
    const text = await textOf(file)
    if (text !== null) return { file, text }
    if (directory !== null || Path.dirname(here) === here) return null
  }
}

/** The manifest of a plugin; null where it has none. Nothing of the plugin is run. */
export const readManifest = async (entry: string, directory: string | null): Promise<Manifest | null> => {
  const own = besides(entry)
  const text = await textOf(own)
  if (text !== null) return declaredIn(own, parsed(own, text))
  const found = await packageJson(entry, directory)
  if (found === null) return null
  const read = Schema.decodeUnknownEither(PackageManifest)(parsed(found.file, found.text))
  return Either.isLeft(read) || read.right.reprise === undefined ? null : declaredIn(found.file, read.right.reprise)
}
