import { dirname } from "node:path"
import type { GrantName } from "../domain/decision.ts"
import { paneAddress } from "../domain/pane.ts"
import type { Facts } from "../policy/Facts.ts"
import { matches } from "../policy/pattern.ts"
import { canariesOf, missingCanaries, type Rollout } from "../policy/Rollout.ts"
import type { Converged } from "./converge.ts"
import { type AgentPlan, type Refusal, touches } from "./plan.ts"
import type { Lack, StartFinding } from "./preconditions.ts"

interface RefuseInput {
  readonly team: string
  readonly atomic: boolean
  readonly agents: ReadonlyArray<AgentPlan<unknown, unknown>>
  readonly converged: Converged
  readonly required: ReadonlyArray<GrantName>
  readonly rollout: Rollout
  /** Null while only planning: then grants are not asked for. */
  readonly granted: ReadonlySet<GrantName> | null
  /** The command with which a person looks at the panes. */
  readonly attach: string | null
}

/** A path as a word of a shell. */
const quoted = (path: string): string => /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

const list = (ids: ReadonlyArray<string>): string => ids.join(", ")
/** How a refusal says that nothing was done. */
export const untouchedToo = "No process was touched."

const seconds = (ms: number): string => `${ms / 1000} s`

/** The commands that select one of the conversations an agent may have been in last, the newest first. */
export const selectingCommands = (team: string, { agent, resumability }: Facts): ReadonlyArray<string> =>
  (resumability._tag === "NotResumable" ? resumability.candidates ?? [] : [])
    .map(({ sessionId }) => `reprise restart ${agent.spec.id} --session ${sessionId} --team ${team}`)

/** The command that brings an archived conversation back, if that is what the agent needs. */
const restoring = ({ resumability }: Facts): ReadonlyArray<string> =>
  resumability._tag === "NotResumable" && resumability.restore !== undefined ? [resumability.restore] : []

/** Whether anything of its conversation was found, or may be there unread. Then no advice may let it go. */
const hasConversation = ({ resumability, spoken }: Facts): boolean =>
  spoken.hasFile === true || resumability._tag !== "NotResumable" || resumability.found !== undefined || (resumability.candidates ?? []).length > 0

const notReady = ({ agents, atomic, converged, team }: RefuseInput): Refusal | null => {
  const waitedFor = agents.filter(({ decided, facts, untouched }) =>
    !untouched && decided.decision.kind === "refuse" && (facts.unconverged !== null || (atomic && decided.decision.code === "session_ambiguous"))
  ).map(({ facts }) => facts)
  const pending = waitedFor.map(({ agent }) => agent.spec.id)
  if (pending.length === 0) return null
  const unsure = waitedFor.filter(({ resumability }) => resumability._tag === "NotResumable" && resumability.code === "session_ambiguous")
  const missing = waitedFor.filter((facts) => !unsure.includes(facts))
  // What was found of each: whoever moved a file knows it by that.
  const found = waitedFor.flatMap((facts) =>
    facts.resumability._tag === "NotResumable" && (facts.agent.session !== null || unsure.includes(facts)) ? `${facts.agent.spec.id}: ${facts.resumability.why}. ` : [])
  const isLost = missing.length > 0 && waitedFor.every((facts) => !hasConversation(facts))
  return {
    outcome: "resume_not_ready",
    message: [
      ...missing.length === 0 ? [] : [`The sessions of ${list(missing.map(({ agent }) => agent.spec.id))} were not found within ${seconds(converged.convergence.deadline_ms)}. `],
      ...found,
      `${untouchedToo} `,
      ...unsure.length === 0 ? [] : ["Say which conversation each of them continues: reprise restart AGENT --session ID."],
      ...missing.length === 0 ? [] : [isLost ? "Wait and try again, or let the missing conversations go with --allow-fresh." : `${unsure.length === 0 ? "" : " "}Wait and try again.`]
    ].join(""),
    next: [
      ...unsure.flatMap((facts) => selectingCommands(team, facts)),
      ...missing.length === 0 ? [] : [`reprise restart --team ${team} --session-converge-deadline 60`],
      ...isLost ? [`reprise restart --team ${team} --allow-fresh`] : []
    ],
    details: {
      reason: missing.length === 0 ? "session_ambiguous" : "session_capture_incomplete",
      pending_agents: pending,
      session_convergence: converged.convergence,
      ambiguous: converged.discovery.ambiguous
    }
  }
}

const corruptFirstSend = ({ agents, team }: RefuseInput): Refusal | null => {
  const invalid = agents.flatMap(({ facts, untouched }) => {
    const { firstSend, spec } = facts.agent
    return untouched || spec.paused || firstSend._tag !== "Corrupt"
      ? []
      : [{ worker_id: spec.id, raw_first_send_at: firstSend.raw, raw_first_send_at_type: firstSend.rawType }]
  })
  if (invalid.length === 0) return null
  const shown = invalid.map((entry) =>
    `${entry.worker_id} (${JSON.stringify(entry.raw_first_send_at)}, ${entry.raw_first_send_at_type})`
  )
  return {
    outcome: "refused_invalid_first_send_at",
    message: `The record of when these agents were first spoken to is damaged: ${list(shown)}. ` +
      `Whether they hold a conversation can't be told. ${untouchedToo}`,
    next: [`reprise status --team ${team}`, `reprise log --team ${team} --type agent.first_send_recorded`],
    details: { invalid }
  }
}

const dirtyTopology = ({ agents, attach, team }: RefuseInput): Refusal | null => {
  const dirty = agents.flatMap(({ facts, observation, untouched }) =>
    // A paused agent's address is not acted on.
    !untouched && !facts.agent.spec.paused && observation.process.state === "foreign"
      ? [{
        agent: facts.agent.spec.id,
        pane: observation.pane === null ? null : paneAddress(observation.pane),
        endpoint: observation.pane?.endpoint ?? null,
        evidence: observation.process.evidence.replace(/\.$/, "")
      }]
      : []
  )
  if (dirty.length === 0) return null
  return {
    outcome: "refused_dirty_topology",
    message: `The recorded pane of ${list(dirty.map(({ agent }) => agent))} is taken by something that Reprise did not ` +
      `start (${list(dirty.map(({ evidence }) => evidence))}). ${untouchedToo} End or move it, then try again.`,
    next: [...attach === null ? [] : [attach], `reprise restart --team ${team}`],
    details: { dirty }
  }
}

const grantMissing = ({ granted, required, team }: RefuseInput): Refusal | null => {
  const missing = granted === null ? [] : required.filter((grant) => !granted.has(grant))
  if (missing.length === 0) return null
  return {
    outcome: "grant_missing",
    message: `The policy may drop a conversation, and nobody gave it leave to: ${list(missing)} is missing. ${untouchedToo}`,
    next: missing.map((grant) => `reprise restart --team ${team} --grant ${grant}=REASON`),
    details: { missing }
  }
}

/** The code of an agent whose process was stopped by a signal: it lives, and what it is doing is unknown. */
export const suspendedCode = "process_suspended"

/** Why an agent can't come back, where a new conversation would be a way to go on if nothing of the old one was found. */
const freshHelps: ReadonlySet<string> = new Set(["no_persisted_session_id", "session_unresumable", "missing_transcript"])

/** What a message says how to end: the same command is right after that. */
const endedElsewhere: ReadonlySet<string> = new Set(["session_held", "holds_agents", "secret_missing"])

/** The commands that put a moved transcript where its CLI looks for it; the file that was found stays. */
const puttingBack = ({ resumability }: Facts): ReadonlyArray<string> => {
  if (resumability._tag !== "NotResumable" || resumability.found === undefined || resumability.expected === undefined) return []
  const [found, expected] = [quoted(resumability.found), quoted(resumability.expected)]
  return [`mkdir -p ${quoted(dirname(resumability.expected))} && cp -n ${found} ${expected}`]
}

/** All reasons that are not a policy's own. */
const known: ReadonlySet<string> = new Set([
  ...freshHelps,
  suspendedCode,
  "torn_transcript",
  "session_identity_mismatch",
  "session_cwd_mismatch",
  "session_ambiguous",
  "archived_transcript",
  "context_would_be_lost",
  "unknown",
  "secret_redacted", "secret_missing", "session_held", "holds_agents", "unrecorded_process", "drift", "policy_failed"
])

const orElse = (next: ReadonlyArray<string>, otherwise: string): ReadonlyArray<string> => next.length === 0 ? [otherwise] : next

const atomicity = ({ agents, atomic, team }: RefuseInput): Refusal | null => {
  const refused = agents.filter(({ decided, untouched }) => !untouched && decided.decision.kind === "refuse")
  if (refused.length === 0 || !atomic) return null
  const unresumable = refused.map(({ decided, facts }) => ({
    agent_id: facts.agent.spec.id,
    reason: decided.decision.code ?? "refused",
    session_id: facts.agent.session?.id ?? null,
    why: decided.decision.why,
    ...facts.resumability._tag === "NotResumable" && facts.resumability.heldBy !== undefined
      ? { held_by: facts.resumability.heldBy }
      : {},
    ...facts.resumability._tag === "NotResumable" && facts.resumability.found !== undefined ? { found: facts.resumability.found } : {}
  }))
  // A process of which nobody knows but its provider is a person's to end.
  const takeable = refused.some(({ decided, facts }) => decided.decision.code === "session_held" && facts.agent.adopted !== null)
  const restored = refused.flatMap(({ facts }) => [...restoring(facts), ...puttingBack(facts)])
  const mismatch = unresumable.every(({ reason }) => reason === "session_identity_mismatch")
  const own = unresumable.filter(({ reason }) => !known.has(reason))
  const isLost = refused.some(({ decided }) => freshHelps.has(decided.decision.code ?? "")) &&
    refused.every(({ facts }) => !hasConversation(facts))
  const possible = agents.flatMap(({ decided, facts }) => touches(decided.decision) ? facts.agent.spec.id : [])
  const reasons = unresumable.map(({ agent_id, why }) => `${agent_id}: ${why.join("; ") || "the policy gives no reason"}`)
  const whole = own.length === unresumable.length
    ? "The policy does not let every agent be restarted, so none was"
    : "Not every agent can come back with its conversation, so none was restarted"
  return {
    outcome: mismatch ? "refused_session_identity_mismatch" : "refused_resume_atomicity",
    message: `${whole}. ${reasons.join(". ")}. ${untouchedToo}`,
    next: orElse([
      ...refused.flatMap(({ facts: { process: { suspended } } }) =>
        suspended === undefined || suspended.pid === null ? [] : `kill -CONT ${suspended.pid}`),
      ...restored.length === 0 ? [] : [...restored, `reprise restart --team ${team}`],
      ...possible.length === 0 ? [] : [`reprise restart ${possible.join(" ")} --team ${team}`],
      ...takeable ? [`reprise restart --team ${team} --takeover`] : [],
      ...unresumable.some(({ reason }) => reason === "secret_redacted") ? ["reprise up FILE"] : [],
      // Another policy is no way round what this one says.
      ...own.length > 0 || !isLost ? [] : [`reprise restart --team ${team} --allow-fresh`]
    ], unresumable.every(({ reason }) => endedElsewhere.has(reason)) ? `reprise restart --team ${team}` : `reprise status --team ${team}`),
    details: { unresumable }
  }
}

/** To go on without the canary that a policy names would be to go on without one. Who is not asked for is none just now. */
const noCanary = ({ agents, rollout, team }: RefuseInput): Refusal | null => {
  const missing = missingCanaries(rollout, agents.map(({ facts }) => facts.agent.spec.id))
  if (missing.length > 0) {
    return {
      outcome: "failed",
      message: `The policy brings ${list(missing)} back first, and team ${team} has no such agent. ${untouchedToo}`,
      next: [`reprise status --team ${team}`],
      details: { reason: "canary_unknown", missing }
    }
  }
  const goes = ({ alreadyBack, decided }: AgentPlan<unknown, unknown>): boolean => alreadyBack || touches(decided.decision)
  const left = canariesOf(rollout).flatMap((pattern) => {
    const meant = agents.filter(({ facts, rolloutEnded, untouched }) =>
      !untouched && rolloutEnded === undefined && matches(pattern, facts.agent.spec.id))
    return meant.some(({ decided }) => decided.decision.kind === "refuse") || (meant.length > 0 && !meant.some(goes)) ? meant.filter((entry) => !goes(entry)) : []
  })
  if (left.length === 0 || !agents.some((entry) => goes(entry) && !left.includes(entry))) return null
  const why = left.map(({ decided, facts }) => `${facts.agent.spec.id}: ${decided.decision.why.join("; ") || "the policy gives no reason"}`)
  const others = agents.flatMap((entry) => touches(entry.decided.decision) && !left.includes(entry) ? entry.facts.agent.spec.id : [])
  return {
    outcome: "failed",
    message: `The policy brings its canary back first, and it is not to be brought back now. ${why.join(". ")}. ${untouchedToo}`,
    next: others.length === 0 ? [`reprise status --team ${team}`] : [`reprise restart ${others.join(" ")} --team ${team}`],
    details: { reason: "canary_left", canaries: left.map(({ facts }) => facts.agent.spec.id) }
  }
}

/** The first reason, in their fixed order, for which nothing may be touched; null where there is none. */
export const firstRefusal = (input: RefuseInput): Refusal | null =>
  notReady(input) ?? corruptFirstSend(input) ?? dirtyTopology(input) ?? grantMissing(input) ?? atomicity(input) ?? noCanary(input)

/** Refuses where the transport could not be asked: nothing may be started beside what nobody can see. */
export const unreachableRefusal = (transport: string, why: string, team: string): Refusal => {
  const notThere = transport !== "pty" && /\bENOENT\b/.test(why)
  return {
    outcome: "failed",
    message: `${why.replace(/\.*$/, "")}. ${untouchedToo}` +
      (notThere ? ` Install ${transport}; or, if it is gone for good, stop the team and bring it up elsewhere.` : ""),
    next: notThere ? [`reprise down --team ${team}`, "reprise up FILE --transport pty"] : ["reprise status"],
    details: { reason: "transport_unreachable", transport }
  }
}

/** Refuses to move a team to another transport while something of it may live where it is. */
export const livesElsewhere = (
  team: string,
  transport: string,
  asked: string,
  living: ReadonlyArray<string>
): Refusal => ({
  outcome: "failed",
  message: `Team ${team} lives in ${transport}, not in ${asked}, and ${list(living)} ` +
    `${living.length === 1 ? "is" : "are"} not proved dead there. ${untouchedToo} To move it, stop it first.`,
  next: [`reprise down --team ${team}`, `reprise up --transport ${asked}`],
  details: { reason: "lives_elsewhere", transport, living }
})

/** Refuses to take a restart back while it is not known whether those live who are to be stopped. */
export const unsureRefusal = (team: string, unsure: ReadonlyArray<string>): Refusal | null =>
  unsure.length === 0 ? null : {
    outcome: "failed",
    message: `${list(unsure)} ${unsure.length === 1 ? "is" : "are"} to be stopped again, and whether ` +
      `${unsure.length === 1 ? "it lives" : "they live"} is unknown. ${untouchedToo}`,
    next: [`reprise status --team ${team}`, `reprise restart --team ${team} --rollback`],
    details: { reason: "not_undone", unsure }
  }

/** Refuses what this machine can't start; null where nothing is lacking. */
export const lackingRefusal = (lacks: ReadonlyArray<Lack>, again: string): Refusal | null =>
  lacks.length === 0 ? null : {
    outcome: "failed",
    message: `${lacks.map(({ reason }) => reason).join("; ")}. ${untouchedToo}`,
    // A conversation goes on in its own directory: it has to be there again, whatever is put into it.
    next: lacks.every(({ path }) => path !== undefined)
      ? [...new Set(lacks.flatMap(({ path }) => path === undefined ? [] : `mkdir -p ${quoted(path)}`)), again]
      : [again],
    details: { lacks }
  }

const findingsOf = (findings: ReadonlyArray<StartFinding>): string =>
  [...new Set(findings.map(({ problem }) => problem))].map((problem) => {
    const agents = findings.flatMap((finding) => finding.problem === problem ? finding.agent : [])
    return `${list(agents)}: ${problem.replace(/\.$/, "")}`
  }).join("; ")

/** Refuses what a CLI can't be started with: a login that is missing, a flag of another version. */
export const startRefusal = (team: string, refusals: ReadonlyArray<StartFinding>, fromFile: boolean): Refusal | null =>
  refusals.length === 0 ? null : {
    outcome: "failed",
    message: `${findingsOf(refusals)}. ${untouchedToo}`,
    next: fromFile
      ? ["reprise up FILE"]
      : refusals.some(({ kind }) => kind === "bad_flags")
      ? [`reprise down --team ${team}`, "reprise up FILE"]
      : [`reprise restart --team ${team}`],
    details: { reason: "start_refused", problems: refusals }
  }
