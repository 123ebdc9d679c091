import type { TeamState } from "../event-log/TeamState.ts"
import { sessionKey } from "./attribution-world.ts"
import type { Located, Sighting } from "./sighting.ts"

// What is known to be an agent's: its files and its sessions.

/** Whose a file is: at the address of what an agent has, was told to have, or had, or where its process says that it is. */
export const claimsOf = (teams: ReadonlyArray<TeamState>, located: ReadonlyArray<Located>): ReadonlyMap<string, ReadonlySet<string>> => {
  const claims = new Map<string, Set<string>>()
  const claim = (owner: string, path: string | null | undefined): void => {
    if (path !== null && path !== undefined) claims.set(path, (claims.get(path) ?? new Set()).add(owner))
  }
  for (const team of teams) {
    for (const { captures, session, spawn, spec } of team.agents) {
      const owner = `${team.key}/${spec.id}`
      for (const path of [spawn?.transcript, session?.transcript, ...captures.map(({ transcript }) => transcript)]) claim(owner, path)
    }
  }
  for (const { known, window } of located) {
    if (known?.place._tag === "At") claim(window.owner, known.place.path)
    if (window.report?.transcript === "present") claim(window.owner, window.report.path)
  }
  return claims
}

/** What was seen without files that are known to be another agent's. */
export const withoutOthers = (sighting: Sighting, owner: string, claims: ReadonlyMap<string, ReadonlySet<string>>): Sighting => ({
  ...sighting,
  candidates: sighting.candidates.filter(({ path }) => {
    const owners = claims.get(path)
    return owners === undefined || owners.has(owner)
  })
})

/** Who holds which session, in all teams. */
export const holdersOf = (teams: ReadonlyArray<TeamState>): ReadonlyMap<string, string> =>
  new Map(teams.flatMap((team) =>
    team.agents.flatMap(({ session, spec }) =>
      session === null ? [] : [[sessionKey(session.provider, session.id), `${team.key}/${spec.id}`] as const]
    )
  ))
