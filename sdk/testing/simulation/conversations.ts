import type { People } from "./people.ts"
import type { Note } from "./recorded.ts"
import type { CliReports } from "./simulated-cli.ts"

/** What is true of a world's conversations. */
export interface Conversations {
  /** The session of each process, by pid. */
  readonly byPid: Map<number, string>
  /** Those of agents: whose it is, and where. */
  readonly known: Map<string, { readonly agent: string; readonly path: string }>
  /** Those that were let go with leave. */
  readonly released: Set<string>
  /** Where each lies, whoever is in it. */
  readonly paths: Map<string, string>
  /** Those that a person began in a process that had another. */
  readonly cleared: Set<string>
}

export const noConversations = (): Conversations =>
  ({ byPid: new Map(), known: new Map(), released: new Set(), paths: new Map(), cleared: new Set() })

/** Keeps account of what the CLIs of a world do with their conversations. */
export const conversationReports = (
  { byPid, cleared, known, paths }: Conversations,
  people: () => People,
  note: Note
): CliReports => ({
  onStart: (pid, session, path) => {
    const { agentOf, everything, isAgents, isPersons } = people()
    const agent = agentOf(pid)
    const beside = everything().flatMap(({ alive, identity }) =>
      alive && identity.pid !== pid && byPid.get(identity.pid) === session ? identity.pid : [])
    byPid.set(pid, session)
    if (path !== null) paths.set(session, path)
    if (path !== null && isAgents(pid) && !known.has(session)) known.set(session, { agent, path })
    // What people do with their conversations is theirs.
    note({ kind: "starts", agent, pid, session, shared: isPersons(pid) ? [] : beside })
  },
  onEnded: (pid) => {
    const agent = people().agentOf(pid)
    note({ kind: "happens", what: `${agent} ends by itself`, ended: [agent] })
  },
  onLimited: (pid, until, ended) => note({ kind: "limited", agent: people().agentOf(pid), pid, until, ended }),
  onHeard: (pid, session, text) => note({ kind: "hears", agent: people().agentOf(pid), session, text }),
  onClear: (pid, session, path) => {
    const { agentOf, isAgents } = people()
    const agent = agentOf(pid)
    const before = byPid.get(pid)
    byPid.set(pid, session)
    paths.set(session, path)
    cleared.add(session)
    if (isAgents(pid)) {
      if (before !== undefined) known.delete(before)
      known.set(session, { agent, path })
    }
    note({ kind: "starts", agent, pid, session, shared: [] })
  }
})
