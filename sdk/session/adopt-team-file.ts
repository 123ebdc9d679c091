import * as Effect from "effect/Effect"
import { relative } from "node:path"
import { loaded } from "../domain/loaded.ts"
import type { Json } from "../domain/json.ts"
import { type Adoptable, idsFor } from "./adopt.ts"

// Lazily: a command that writes no team file does not pay for it.
const yaml = loaded(() => import("yaml"))

const entryOf = ({ provider, said }: Adoptable, workspace: string): Readonly<Record<string, Json>> => {
  const below = relative(workspace, said.cwd)
  const outside = below === ".." || below.startsWith("../")
  return {
    provider,
    ...below === "" ? {} : { cwd: outside ? said.cwd : below },
    ...said.model === null ? {} : { model: said.model },
    ...said.permissions === null ? {} : { permissions: said.permissions },
    ...Object.keys(said.env).length === 0 ? {} : { env: said.env },
    ...Object.keys(said.options).length === 0 ? {} : { options: said.options }
  }
}

/** The text of a team file with an agent for each process. */
export const adoptedTeamFile = (
  name: string,
  adoptable: ReadonlyArray<Adoptable>,
  workspace: string
): Effect.Effect<string> =>
  Effect.gen(function*() {
    const { stringify } = yield* yaml
    const ids = idsFor(adoptable)
    const agents = Object.fromEntries(adoptable.map((one, at) => [ids[at] ?? "", entryOf(one, workspace)]))
    return `# Written by \`reprise adopt\` from processes that were running. It is yours to change.\n${stringify({ name, agents })}`
  })
