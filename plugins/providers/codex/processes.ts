import { Effect, type ProcessEvidence, processTable, ProviderFailure, type SessionHolder, sharedLook } from "reprise/plugin"
import type { AgentProcess } from "reprise/plugin"
import { conversationIn, lockedSession } from "./evidence.ts"
import { epochOf, isOwn, openFiles, programOf, variableOf, wordsOf } from "./host.ts"

// What running processes of Codex say of themselves, by the files that they have open.

const failure = (operation: string, detail: string) => new ProviderFailure({ provider: "codex", operation, detail })

/** The program that npm installs starts the native one as its child; only that one has the files open. */
const isNative = (pid: number): boolean => programOf(pid)?.startsWith("codex") === true

interface Row {
  readonly pid: number
  readonly ppid: number
}

/**
 * The native process of a tree: the one nearest to its root, for below it stands what the agent itself runs, another
 * Codex perhaps. Null where there is none, or two that are as near.
 */
export const nativeIn = (table: ReadonlyArray<Row>, root: number, native: (pid: number) => boolean = isNative): number | null => {
  let level = table.filter(({ pid }) => pid === root)
  for (let depth = 0; depth < 8 && level.length > 0; depth += 1) {
    const found = level.filter(({ pid }) => native(pid))
    if (found.length > 0) return found.length === 1 ? found[0]?.pid ?? null : null
    const parents = new Set(level.map(({ pid }) => pid))
    level = table.filter(({ ppid }) => parents.has(ppid))
  }
  return null
}

/**
 * What a process's own records say. An open turn is certain; a closed one only says that no model is at work, so of an
 * agent that Reprise can look at the screen tells the rest: it may show a question that no record tells of.
 */
export const evidenceOf = (process: AgentProcess): Effect.Effect<ProcessEvidence | null, ProviderFailure> =>
  Effect.gen(function*() {
    if (!process.alive) return null
    const table = yield* processTable
    if (table === null) return yield* failure("processEvidence", "The table of processes could not be read.")
    const root = table.find(({ pid }) => pid === process.pid)
    if (root === undefined || root.startTime !== process.startTime) return null
    const native = nativeIn(table, process.pid)
    if (native === null) return null
    const startTime = table.find(({ pid }) => pid === native)?.startTime
    const own = native === process.pid || startTime === undefined ? {} : { process: { pid: native, startTime } }
    const found = conversationIn(native, epochOf(process.startTime))
    const watched = variableOf(native, "REPRISE_AGENT") !== null
    if (found._tag === "Unreadable") {
      return yield* failure("processEvidence", `The open files of process ${native} could not be read.`)
    }
    if (found._tag === "None") return null
    if (found._tag === "Several") {
      const open = `Process ${native} has several conversations open (${found.sessions.join(", ")})`
      const several = { openSessions: found.sessions, ...own }
      // The screen of an agent names the one that it shows.
      if (watched || found.latest === null) return { sessionId: null, transcript: null, state: null, evidence: `${open}.`, ...several }
      const { sessionId, transcript, turn } = found.latest
      const evidence = `${open}, and ${sessionId} was written last.`
      return { sessionId, transcript, state: turn === "open" ? "busy" : turn === "closed" ? "idle" : null, evidence, confidence: "medium", ...several }
    }
    const { sessionId, transcript, turn } = found.conversation
    const state = turn === "open" ? "busy" : turn === "closed" && !watched ? "idle" : null
    const said = turn === null ? "" : turn === "open" ? "; its rollout has an open turn" : "; its rollout's last turn is over"
    return { sessionId, transcript, state, evidence: `Process ${native} holds the lock of ${sessionId}${said}.`, ...own }
  })

/** What can be seen of a process. */
interface Look {
  readonly open: typeof openFiles
  readonly words: typeof wordsOf
}

/** Live processes that may be a Codex, with the sessions that they hold the locks of. */
const lockHolders = (look: Look) =>
  Effect.gen(function*() {
    const table = yield* processTable
    if (table === null || globalThis.process.platform !== "linux") {
      return yield* failure("sessionHolders", "This machine does not show which files its processes have open.")
    }
    const holders: Array<SessionHolder & { readonly sessions: ReadonlySet<string | null> }> = []
    for (const { pid, startTime, zombie } of table) {
      const words = zombie ? [] : look.words(pid)
      if (!words.some((word) => word.includes("codex"))) continue
      const open = look.open(pid)
      // A process that hides its files may have any of them open; another user's has no conversation of this one's.
      if (open === null && isOwn(pid) !== false) {
        return yield* failure("sessionHolders", `Which files process ${pid} has open, which looks like a Codex, could not be read.`)
      }
      if (open === null) continue
      // It keeps a conversation open after the window is gone.
      const server = words.includes("app-server") ? " It is Codex's background server; codex app-server daemon stop ends it." : ""
      holders.push({
        pid,
        startTime,
        evidence: `Process ${pid} holds the conversation's lock.${server}`,
        sessions: new Set(open.map(lockedSession))
      })
    }
    return holders
  })

const sharedHolders = sharedLook(lockHolders)
const host: Look = { open: openFiles, words: wordsOf }

/** Live processes of Codex that hold the lock of a conversation; who asks after many at once looks once. */
export const holdersOf = (sessionId: string, look: Look = host): Effect.Effect<ReadonlyArray<SessionHolder>, ProviderFailure> =>
  Effect.map(sharedHolders(look), (all) => {
    const wanted = sessionId.toLowerCase()
    return all.flatMap(({ evidence, pid, sessions, startTime }) => sessions.has(wanted) ? [{ pid, startTime, evidence }] : [])
  })
