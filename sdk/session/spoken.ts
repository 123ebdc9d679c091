import type { AgentState } from "../event-log/TeamState.ts"
import type { SpawnWindow, TranscriptCandidate } from "./attribution.ts"
import { birthSlackMs } from "./clock.ts"
import type { Located, Sighting } from "./sighting.ts"

/** Whether an agent was ever spoken to in its present conversation. `unknown` is not `never`. */
export interface Spoken {
  readonly state: "never" | "spoken" | "unknown"
  readonly evidence: string
  /** Whether a file that may be its conversation was found, or may be there unread: nothing may advise to let it go. */
  readonly hasFile?: boolean
}

const byFile = (state: Spoken["state"], evidence: string): Spoken => ({ state, evidence, hasFile: true })

/**
 * Since when a file may be of this agent's present conversation, or of one that its process went over to. Where the clock
 * was set back, a file of now may seem to be as old as any.
 */
export const bornFrom = ({ agent, window }: Located, steadyClock: boolean): number =>
  steadyClock
    ? Math.min(window.from, agent.session === null ? Infinity : Date.parse(agent.session.capturedAt)) - birthSlackMs
    : -Infinity

/** Since when a file may be of this agent's present process. */
export const startedFrom = ({ window }: Located, steadyClock: boolean): number => steadyClock ? window.from - birthSlackMs : -Infinity

/**
 * Whether its conversation began with what others said. A fork that left no conversation of its own has none to lose: it is
 * made again.
 */
const isCopy = ({ forkOf, spawn }: AgentState): boolean => spawn?.mode === "fork" && forkOf === null

/** Whether its own address alone can't prove that nobody spoke to it, and nothing else has settled the question. */
export const needsLookAround = ({ agent, known }: Located): boolean =>
  known !== null && agent.firstSend._tag === "Absent" && !isCopy(agent) && !agent.typedInto

export const provesSilence = (sighting: Sighting): boolean =>
  sighting.complete && sighting.nameless.length === 0 && !sighting.candidates.some(({ spokenTo }) => spokenTo)

/** Whether a person may have spoken to it without Reprise: one that they started, also after it came back from that. */
export const wasPersons = ({ adopted, session, spawn }: AgentState): boolean =>
  adopted !== null ||
  (session?.capturedVia === "process_report" && spawn?.mode === "resume" && spawn.sessionId === session.id)

/**
 * Whether a file of its conversation was seen. What a process said of itself may be recorded with the address of a file that
 * is to come; where the address has to be searched, a recorded path was found there.
 */
export const wasSeen = ({ agent: { session }, known }: Located): boolean =>
  session !== null && session.transcript !== null &&
  (session.capturedVia !== "process_report" || known?.place._tag === "Missing")

/** Whether its user never spoke in it: there was no transcript when it was adopted, and none was seen since. */
const neverWritten = ({ agent: { adopted, session } }: Located, { missing }: Sighting): boolean =>
  adopted?.transcript === "absent" && session?.transcript === null && missing

const places = ({ directories }: Located): string => directories.join(", ")

/** Whether an agent without a known session may have written a file: nothing says that it is somebody else's. */
const mayBeOwn = (window: SpawnWindow, from: number, others: ReadonlySet<string>) => (candidate: TranscriptCandidate): boolean =>
  !others.has(candidate.sessionId) &&
  (candidate.marker === null || candidate.marker === window.owner) &&
  (candidate.bornAt === null || candidate.bornAt >= from)

/** What is said by files that are not at its address; null where they say nothing of this agent. */
const judgeAround = (located: Located, around: Sighting, others: ReadonlySet<string>, steadyClock: boolean): Spoken | null => {
  const { window } = located
  const from = bornFrom(located, steadyClock)
  const possible = around.candidates.filter(mayBeOwn(window, from, others)).filter(({ spokenTo }) => spokenTo)
  const own = possible.find(({ marker }) => marker === window.owner)
  if (own !== undefined) return byFile("spoken", `${own.path} holds a user's message and says that it is its own`)
  const [whose] = possible
  if (whose !== undefined) {
    return byFile("unknown", steadyClock
      ? `${whose.path} holds a user's message, came after its start, and nothing says whose it is`
      : `${whose.path} holds a user's message, nothing says whose it is, and the clock was set back, so that its age tells nothing`)
  }
  if (around.nameless.some(({ bornAt }) => bornAt === null || bornAt >= from)) {
    return byFile("unknown", `a file in ${places(located)} does not say whose conversation it is`)
  }
  return around.complete ? null : byFile("unknown", `what else is in ${places(located)} could not all be read`)
}

/**
 * Whether the agent was spoken to, by its records and the files that may be its own. `others` are sessions that are known
 * to be somebody else's; `steadyClock`: whether times of birth say anything.
 */
export const judgeSpoken = (
  located: Located,
  sighting: Sighting,
  around: Sighting,
  others: ReadonlySet<string>,
  steadyClock: boolean
): Spoken => {
  const { agent, known, window } = located
  const from = startedFrom(located, steadyClock)
  if (agent.firstSend._tag === "Valid") {
    const evidence = `first spoken to at ${agent.firstSend.at}`
    return sighting.candidates.length > 0 || around.candidates.some(({ marker }) => marker === window.owner) ? byFile("spoken", evidence) : { state: "spoken", evidence }
  }
  if (agent.firstSend._tag === "Corrupt") return { state: "unknown", evidence: "its first_send_at is damaged" }
  if (isCopy(agent)) return byFile("spoken", "it is a copy of another conversation")
  if (agent.typedInto) return { state: "unknown", evidence: "a message was typed into it, and what came of it is not known" }
  const then = agent.session?.provider ?? agent.spawn?.launchContext.provider
  if (then !== undefined && then !== window.provider) {
    return byFile("unknown", `its conversation is one of ${then}, which ${window.provider} can't look for`)
  }
  // What lies at its own address counts, whatever it says of itself.
  const own = known === null ? sighting.candidates.filter(mayBeOwn(window, from, others)) : sighting.candidates
  const spoken = own.find((candidate) => candidate.spokenTo)
  if (spoken !== undefined && !steadyClock && known === null && spoken.marker === null) {
    return byFile("unknown", `${spoken.path} holds a user's message, and the clock was set back since its start, so that nothing says whose it is`)
  }
  if (spoken !== undefined) return byFile("spoken", `${spoken.path} holds a user's message`)
  // A file that lies at its own address, or was born since its start.
  if (sighting.nameless.some(({ bornAt }) => known !== null || bornAt === null || bornAt >= from)) {
    return byFile("unknown", `a file in ${places(located)} does not say whose conversation it is`)
  }
  if (!sighting.complete) {
    return byFile("unknown", `its transcripts in ${places(located)} could not all be read`)
  }
  const elsewhere = judgeAround(located, around, others, steadyClock)
  if (elsewhere !== null) return elsewhere
  if (own.length === 0 && wasPersons(agent) && !neverWritten(located, sighting)) {
    // Its person types there, and nothing of that is in the log.
    return { state: "unknown", evidence: "a person started it, and what they said to it can't be told without its transcript" }
  }
  if (own.length === 0 && wasSeen(located)) {
    // A file that was there and is gone is no observed silence.
    return { state: "unknown", evidence: "it had a transcript, which is gone, and what was said there can't be told without it" }
  }
  return {
    state: "never",
    evidence: own.length === 0 && agent.adopted !== null
      ? "it had no transcript when it was adopted and has none now"
      : own.length === 0
      ? "nothing was sent to it and it has no transcript"
      : "nothing was sent to it and its transcript holds no user's message"
  }
}
