// reprise trust list|show|revoke: what this user has consented to.
import * as Args from "@effect/cli/Args"
import * as Effect from "effect/Effect"
import { realpathSync } from "node:fs"
import { resolve } from "node:path"
import { type Consent, ConsentStore } from "../sdk/index.ts"
import { columns } from "./command/agent-table.ts"
import type { Document } from "./command/document.ts"
import { WrongUsage } from "./command/policy-file.ts"
import { word } from "./command/restart-options.ts"
import { defineVerb, runIfStarted } from "./command/verb.ts"

const realPath = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** The consents that a word of the command line names: a digest or its beginning (of 8 digits at least), or a path. */
const namedBy = (name: string, consents: ReadonlyArray<Consent>): ReadonlyArray<Consent> => {
  const path = resolve(name)
  // A path that is gone is found as it was recorded.
  const paths = new Set([path, realPath(path)])
  return consents.filter(({ digest, path: recorded }) => paths.has(recorded) || (/^[0-9a-f]{8,64}$/.test(name) && digest.startsWith(name)))
}

const shown = ({ at, covers, digest, grants, kind, path }: Consent) => ({ kind, path, digest, granted: grants, covers, at })

const table = (consents: ReadonlyArray<Consent>, whole: boolean): string =>
  whole
    ? consents.map(({ at, covers, digest, grants, kind, path }) =>
      [`${kind} ${path}`, `  digest   ${digest}`, `  given    ${at}`, `  granted  ${grants.join("; ")}`, `  covers   ${covers.join(", ")}`].join("\n")).join("\n")
    : columns(consents.map(({ at, digest, grants, kind, path }) => [kind, path, digest.slice(0, 12), at, grants.join("; ")]))

const count = (consents: ReadonlyArray<Consent>): string => consents.length === 1 ? "1 consent" : `${consents.length} consents`

const nothingNamed = (name: string): Document => ({
  outcome: "consent_unknown",
  ok: false,
  message: `You have given no consent with the path or digest ${JSON.stringify(name)}. Nothing was done.`,
  next: ["reprise trust list"]
})

const revoke = (name: string) =>
  Effect.gen(function*() {
    const store = yield* ConsentStore
    const { consents } = yield* store.list
    const found = namedBy(name, consents)
    if (found.length === 0) return nothingNamed(name)
    yield* store.revoke(found)
    return {
      outcome: "revoked",
      ok: true,
      message: `${found.length === 1 ? "The consent" : `The ${found.length} consents`} to ${[...new Set(found.map(({ path }) => path))].join(", ")} ` +
        `${found.length === 1 ? "is" : "are"} revoked: the next command runs nothing of it. A command that runs already is not changed.`,
      next: [],
      consents: found.map(shown)
    }
  })

const look = (name: string | undefined) =>
  Effect.gen(function*() {
    const store = yield* ConsentStore
    const { consents, unreadable } = yield* store.list
    const found = name === undefined ? consents : namedBy(name, consents)
    if (name !== undefined && found.length === 0) return nothingNamed(name)
    return {
      outcome: "ok",
      ok: true,
      message: `${found.length === 0 ? "You have given no consent" : `You have given ${count(found)}`}; consents are kept in ${store.directory}.` +
        unreadable.map(({ reason }) => ` This does not count: ${reason}.`).join(""),
      next: name === undefined && found.length > 0 ? ["reprise trust show PATH", "reprise trust revoke PATH"] : found.map(({ digest }) => `reprise trust revoke ${digest}`),
      consents: found.map(shown),
      unreadable,
      table: table(found, name !== undefined)
    }
  })

export const verb = defineVerb({
  name: "trust",
  description: "Lists, shows or revokes what you have consented to: `list`, `show PATH|DIGEST`, `revoke PATH|DIGEST`.",
  config: {
    act: Args.text({ name: "list|show|revoke" }),
    names: Args.text({ name: "path or digest" }).pipe(Args.repeated)
  },
  plugins: "ignored",
  run: ({ act, names: [name, ...more] }, { plugins, transport, trust }) =>
    Effect.gen(function*() {
      if (plugins.length > 0 || trust.length > 0 || transport !== undefined) return yield* new WrongUsage({ detail: "trust loads no plugin and consents to nothing: leave --plugin, --allow-plugin, --trust and --transport out." })
      if (more.length > 0) return yield* new WrongUsage({ detail: `trust ${word(act)} takes one path or digest.` })
      if (act === "list") {
        return name === undefined ? yield* look(undefined) : yield* new WrongUsage({ detail: "trust list takes no path or digest; trust show does." })
      }
      if (act !== "show" && act !== "revoke") {
        return yield* new WrongUsage({ detail: `trust can list, show and revoke, and ${JSON.stringify(act)} is none of these.` })
      }
      if (name === undefined) return yield* new WrongUsage({ detail: `trust ${act} wants a path or a digest; trust list shows them.` })
      if (act === "show") return yield* look(name)
      return yield* revoke(name)
    }),
  human: ({ message, table: rows }) => [message, ...typeof rows === "string" && rows !== "" ? [rows] : []].join("\n")
})

runIfStarted(import.meta.url, verb)
