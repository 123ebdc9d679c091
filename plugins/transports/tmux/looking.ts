import * as Effect from "effect/Effect"
import {
  endProcessTree,
  type ForeignPane,
  type ListedPane,
  type PaneIdentity,
  type PaneInspection,
  type PaneListing,
  processState,
  sharedLook,
  type StopReport,
  type TransportFailure
} from "reprise/plugin"
import { failure, Unanswered } from "./failures.ts"
import { awaitAgent, type Ground, identityOf, isOwn, readExit, unreachable } from "./Ground.ts"
import { isPaneOf, type PaneRow } from "./panes.ts"
import type { Command } from "./plain-client.ts"

// What is there, what is known of a pane, and its end.

const foreignOf = (ground: Ground, row: PaneRow): ForeignPane => ({
  endpoint: ground.home.socket(),
  session: row.session,
  window: row.window,
  pane: row.pane,
  pid: row.pid,
  command: row.startCommand
})

/** Whoever is asked of many panes at once lists them once. */
const rowsOfHome = sharedLook(Effect.fnUntraced(
  function*(ground: Ground) {
    const home = yield* ground.home.reach
    return home._tag === "Absent" ? "absent" as const : home.rows
  }
))

/** Who lives though no pane of the server is theirs: an earlier server died and they did not. */
const orphansAmong = Effect.fnUntraced(function*(
  ground: Ground,
  unended: Effect.Effect.Success<Ground["records"]["unended"]>,
  rows: ReadonlyArray<PaneRow>
) {
  const placed = new Set(rows.filter(isOwn).map((row) => row.owner.spawn))
  const found = yield* Effect.forEach(unended, ({ agent, owner }) =>
    placed.has(owner.spawn) ? Effect.succeed([]) : Effect.map(processState(agent), (state) =>
      state === "dead" ? [] : [{
        identity: identityOf(ground, { session: ground.home.sessionName(), window: "-", pane: "-", owner }, agent),
        team: owner.team,
        agent: owner.agent,
        generation: owner.generation
      } satisfies ListedPane]))
  return found.flat()
})

/** All panes of the server, and who lost theirs. */
export const listPanes = Effect.fn("tmux.list")(
  function*(ground: Ground): Effect.fn.Return<PaneListing, Unanswered> {
    // Before the panes: a spawn that comes in between has its pane when they are listed.
    const unended = yield* ground.records.unended
    const rows = yield* rowsOfHome(ground)
    const found = yield* orphansAmong(ground, unended, rows === "absent" ? [] : rows)
    const orphans = found.length === 0 ? {} : { orphans: found }
    if (rows === "absent") return { home: "absent", panes: [], foreign: [], ...orphans }
    const panes = yield* Effect.forEach(rows.filter(isOwn), (row) =>
      Effect.gen(function*() {
        const agent = yield* awaitAgent(ground, row, 2000)
        // It ended without an agent, and its place is going away.
        if (agent === "ended") return []
        if (agent === "late") return yield* new Unanswered({ detail: `pane ${row.pane} does not tell its process` })
        const { agent: id, generation, team } = row.owner
        return [{ identity: agent, team, agent: id, generation } satisfies ListedPane]
      }), { concurrency: "unbounded" })
    const foreign = rows.filter((row) => !isOwn(row) && !row.keeper).map((row) => foreignOf(ground, row))
    return { home: "up", panes: panes.flat(), foreign, ...orphans }
  }
)

/** What became of a pane's address. */
type Place = "ours" | "none" | "foreign" | "another"

const placeOf = Effect.fnUntraced(function*(ground: Ground, pane: PaneIdentity): Effect.fn.Return<Place, Unanswered> {
  const rows = yield* rowsOfHome(ground)
  // By its spawn, wherever the server is now and whatever its session and window are called.
  if (rows !== "absent" && rows.some((row) => row.owner?.spawn === pane.spawn && !row.dead)) return "ours"
  if (pane.endpoint !== ground.home.socket()) {
    if (yield* ground.home.isAbandoned(pane.endpoint)) return "none"
    return yield* new Unanswered({ detail: `the pane is on another server, ${pane.endpoint}` })
  }
  if (rows === "absent") return "none"
  const taken = rows.find((row) => row.pane === pane.pane)
  return taken === undefined || taken.dead ? "none" : taken.owner === null ? "foreign" : "another"
})

/** What is known of a pane; a question that fails is part of the answer. */
export const inspectPane = Effect.fn("tmux.inspect")(
  function*(ground: Ground, pane: PaneIdentity): Effect.fn.Return<PaneInspection> {
    const place = yield* Effect.either(placeOf(ground, pane))
    const state = yield* processState(pane)
    const process = `process ${pane.pid}`
    if (state === "unknown") return { state, evidence: `The host did not tell whether ${process} lives.`, exit: null }
    if (state === "dead") {
      if (place._tag === "Right" && place.right === "foreign") {
        const evidence = `Its ${process} is gone, and ${pane.pane} is now a pane that Reprise did not make.`
        return { state: "foreign", evidence, exit: null }
      }
      const exit = yield* readExit(ground, pane.spawn)
      const how = exit === null ? "nobody recorded how" : `its status is ${exit.code}`
      return { state, evidence: `Its ${process} is gone; ${how}.`, exit }
    }
    if (place._tag === "Left") {
      const evidence = `Its ${process} lives, and its pane could not be looked at: ${place.left.detail}.`
      return { state: "unknown", evidence, exit: null }
    }
    return place.right === "ours"
      ? { state, evidence: `tmux lists ${pane.pane} with our spawn, and its ${process} lives.`, exit: null }
      : { state: "orphaned", evidence: `Its ${process} lives, and tmux does not list its pane any more.`, exit: null }
  }
)

/** Fails unless the pane's own process lives: tmux 3.3a crashes when text is put into a dead pane. */
export const demandAlive = Effect.fnUntraced(function*(operation: string, pane: PaneIdentity) {
  const state = yield* processState(pane)
  if (state === "dead") {
    return yield* failure(operation, "Gone", `Process ${pane.pid} of ${pane.pane} has ended; ${operation} was not done.`)
  }
  if (state === "unknown") {
    return yield* failure(operation, "Unreachable", `The host did not tell whether process ${pane.pid} lives.`)
  }
})

/**
 * Does something to a pane, on the condition that it still is the living pane of its spawn. tmux itself checks that, in
 * the same breath: between a look and an act there is no time in which the address could change hands.
 */
export const inPane = Effect.fn("tmux.inPane")(function*(
  ground: Ground,
  operation: string,
  pane: PaneIdentity,
  commands: ReadonlyArray<Command>,
  buffer?: { readonly name: string; readonly text: string }
) {
  yield* demandAlive(operation, pane)
  const refuse = Effect.fnUntraced(function*(detail: string): Effect.fn.Return<never, TransportFailure> {
    const place = yield* placeOf(ground, pane).pipe(Effect.mapError(unreachable(operation)))
    if (place === "foreign" || place === "another") {
      return yield* failure(operation, "Foreign", `${pane.pane} belongs to something else now; ${operation} was not done.`)
    }
    if (place === "none") {
      return yield* failure(operation, "Gone", `${pane.pane} is not there any more; ${operation} was not done.`)
    }
    return yield* failure(operation, "Unreachable", `${pane.pane} is there and could not be used for ${operation}: ${detail}.`)
  })
  yield* ground.home.locate
  const outputs = yield* ground.home.ask({
    commands,
    where: { pane: pane.pane, holds: isPaneOf(pane.spawn) },
    ...buffer === undefined ? {} : { buffer }
  }).pipe(Effect.mapError(unreachable(operation)))
  if (outputs._tag === "Done") return outputs.lines
  return yield* refuse(outputs._tag === "Unmet" ? "tmux lists it under another address" : outputs.detail)
})

/** How long tmux may take to notice that a pane's last process is gone. */
const closeMs = 3000

/** Ends the agent's processes, then its window. Works on one whose server is gone, too. */
export const stopPane = Effect.fn("tmux.stop")(
  function*(ground: Ground, pane: PaneIdentity, graceMs: number): Effect.fn.Return<StopReport, TransportFailure> {
    const recorded = yield* ground.records.pids(pane.spawn)
    const mine = recorded?.agent.pid === pane.pid && (recorded.agent.startTime ?? pane.startTime) === pane.startTime
    const report = yield* endProcessTree(pane, graceMs, mine ? recorded.leader : null)
    if (!report.gone) return report
    // The place belongs to another process than the one that was named.
    if (recorded !== null && !mine) return { ...report, evidence: `${report.evidence}; its pane was left alone.` }
    const cleared = yield* clearPlace(ground, pane).pipe(Effect.either)
    return {
      ...report,
      evidence: cleared._tag === "Right"
        ? `${report.evidence}.`
        : `${report.evidence}; its window could not be looked at: ${cleared.left.detail}.`
    }
  }
)

const clearPlace = Effect.fnUntraced(function*(ground: Ground, pane: PaneIdentity) {
  for (let waited = 0; waited < closeMs; waited += 5) {
    if ((yield* placeOf(ground, pane)) !== "ours") return
    yield* Effect.sleep(5)
  }
  // The pane and not its window: a person may have put something of theirs beside it.
  yield* ground.home.ask({
    commands: [["kill-pane", "-t", pane.pane]],
    where: { pane: pane.pane, holds: isPaneOf(pane.spawn) }
  })
})
