import { randomUUID } from "node:crypto"
import { constants } from "node:fs"
import * as Fs from "node:fs/promises"
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Consent, type ConsentSubject, sha256 } from "./consent.ts"

// One file for each consent: REPRISE/consents/KEY.json. The platform's FileSystem has neither lstat nor O_NOFOLLOW, and
// both are needed: a file that another user could have put there is not this user's consent.

type Env = Readonly<Record<string, string | undefined>>

/** Where the consents of the user of this environment are. */
export const consentDirectory = (env: Env): string => {
  const given = env["XDG_CONFIG_HOME"]
  // By the base directory specification, a relative path is ignored.
  const config = given !== undefined && isAbsolute(given) ? given : join(env["HOME"] || homedir(), ".config")
  return join(config, "reprise", "consents")
}

/** Larger than any record that is written here. */
const longestRecord = 4 * 1024 * 1024

/** A record that does not count, and why. */
class NotOurs extends Error {}

const userId = (): number => process.getuid?.() ?? -1
const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : ""
const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT"
const said = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.*$/, "")

interface Owned {
  readonly uid: number
  readonly mode: number
}

const demandOwn = (path: string, { mode, uid }: Owned): void => {
  if (uid !== userId()) throw new NotOurs(`${path} belongs to another user (${uid})`)
  if ((mode & 0o022) !== 0) throw new NotOurs(`${path} can be written by others (mode ${(mode & 0o777).toString(8)}); chmod go-w it`)
}

const demandOwnDirectory = async (path: string): Promise<Owned> => {
  const stat = await Fs.lstat(path)
  if (!stat.isDirectory()) throw new NotOurs(`${path} is ${stat.isSymbolicLink() ? "a symbolic link" : "not a directory"}`)
  demandOwn(path, stat)
  return stat
}

/** The two directories are the user's own and closed to the writing of others. False where one does not exist. */
const isThere = async (directory: string): Promise<boolean> => {
  try {
    await demandOwnDirectory(join(directory, ".."))
    await demandOwnDirectory(directory)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

const ensureOwnDirectory = async (path: string): Promise<void> => {
  await Fs.mkdir(path, { recursive: true, mode: 0o700 })
  if (((await demandOwnDirectory(path)).mode & 0o077) !== 0) await Fs.chmod(path, 0o700)
}

const decode = Schema.decodeUnknownEither(Schema.parseJson(Consent))

const readRecord = async (path: string): Promise<Consent> => {
  const file = await Fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
    throw codeOf(error) === "ELOOP" ? new NotOurs(`${path} is a symbolic link`) : error
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new NotOurs(`${path} is not a file`)
    demandOwn(path, stat)
    if (stat.size > longestRecord) throw new NotOurs(`${path} is too large to be a consent`)
    const read = decode(await file.readFile("utf8"))
    if (Either.isLeft(read)) throw new NotOurs(`${path} is not a consent`)
    return read.right
  } finally {
    await file.close()
  }
}

const nameOf = ({ digest, kind, path }: Pick<Consent, "digest" | "kind" | "path">): string =>
  `${sha256(JSON.stringify([kind, path, digest])).slice(0, 40)}.json`

const writeRecord = async (directory: string, consent: Consent): Promise<void> => {
  await ensureOwnDirectory(join(directory, ".."))
  await ensureOwnDirectory(directory)
  const draft = join(directory, `.${randomUUID()}.tmp`)
  try {
    const file = await Fs.open(draft, "wx", 0o600)
    try {
      await file.writeFile(`${JSON.stringify(consent, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await Fs.rename(draft, join(directory, nameOf(consent)))
  } catch (error) {
    await Fs.rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

/** The operations of the store. `unusable` makes its error, which is defined where this is used. */
export const makeConsentStore = <E>(
  env: Env,
  unusable: (fields: { readonly directory: string; readonly detail: string }) => E
) => {
  const directory = consentDirectory(env)
  const attempt = <A>(what: string, run: () => Promise<A>): Effect.Effect<A, E> =>
    Effect.tryPromise({
      try: run,
      catch: (error) =>
        unusable({
          directory,
          detail: `The consents in ${directory} can't be ${what}: ${said(error)}. ` +
            "They are kept in $XDG_CONFIG_HOME/reprise, or else in ~/.config/reprise; set XDG_CONFIG_HOME or HOME to a directory of your own that can be written."
        })
    })

  const has = (subject: ConsentSubject) =>
    attempt("read", async () => {
      if (!(await isThere(directory))) return false
      try {
        const stored = await readRecord(join(directory, nameOf(subject)))
        return stored.kind === subject.kind && stored.path === subject.path && stored.digest === subject.digest
      } catch (error) {
        if (isMissing(error)) return false
        throw error
      }
    })

  const list = attempt("read", async () => {
    const consents: Array<Consent> = []
    const unreadable: Array<{ readonly file: string; readonly reason: string }> = []
    for (const name of await isThere(directory) ? (await Fs.readdir(directory)).toSorted() : []) {
      const file = join(directory, name)
      if (name.startsWith(".") && name.endsWith(".tmp")) continue
      try {
        const consent = await readRecord(file)
        if (nameOf(consent) !== name) throw new NotOurs(`${file} does not hold the consent that its name stands for`)
        consents.push(consent)
      } catch (error) {
        // Revoked by another command just now.
        if (!isMissing(error)) unreadable.push({ file, reason: said(error) })
      }
    }
    return { consents: consents.toSorted((left, right) => left.at < right.at ? -1 : left.at > right.at ? 1 : 0), unreadable }
  })

  const give = (subject: ConsentSubject) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      attempt("written", () => writeRecord(directory, { ...subject, at: new Date(now).toISOString() })))

  const revoke = (consents: ReadonlyArray<Consent>) =>
    attempt("written", async () => {
      if (!(await isThere(directory))) return
      for (const consent of consents) await Fs.rm(join(directory, nameOf(consent)), { force: true })
    })

  return { directory, has, list, give, revoke }
}
