import type * as Schedule from "effect/Schedule"
import type { Event } from "../../domain/event.ts"
import type { AgentId } from "../../domain/ids.ts"
import type { AgentState, TeamState } from "../../event-log/TeamState.ts"
import type { TeamPolicy } from "../../policy/Policy.ts"
import type { Moment } from "./decide.ts"
import { folded, type Setting } from "./setting.ts"

/** What is known of an agent's process beside what the log has of it. */
export interface Living {
  alive: boolean
  /** Whether it can be worked with. */
  up: boolean
  /** How many lives it had; what befalls it is drawn by their number. */
  lives: number
  starts: number
  /** Whether the transcript of its conversation is gone. */
  lost: boolean
  downSince: number
}

/** What is counted in one run. Times are milliseconds. */
export interface Tally {
  starts: number
  restarts: number
  kept: number
  dropped: number
  lost: number
  refused: number
  approvals: number
  escalations: number
  deaths: number
  downtimeMs: number
  longestOutageMs: number
}

/** A delay that a schedule has to be asked for, which only an effect can do. */
export interface Need {
  readonly schedule: Schedule.Schedule<unknown, unknown, unknown>
  readonly count: number
  readonly resolve: (delayMs: number) => void
}

interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Who decides when. */
export interface Policies {
  /** A person's restart. */
  readonly person: TeamPolicy<unknown, unknown>
  /** A supervisor's, which has a bound. */
  readonly supervisor: TeamPolicy<unknown, unknown>
  /** That of a person who was asked to see to something. */
  readonly answer: TeamPolicy<unknown, unknown>
}

/** A world of one run: all of it is thrown away afterwards. Times are milliseconds since its beginning. */
export interface World {
  readonly setting: Setting
  readonly policies: Policies
  readonly seed: number
  readonly horizon: number
  readonly agents: ReadonlyArray<Living>
  readonly tally: Tally
  readonly needs: Array<Need>
  state: TeamState
  now: number
  /** The newest time that was written out: many events happen at one time. */
  writtenFor: number
  written: string
  boots: number
  operations: number
  /** The restart that is under way: one at a time, as under the lease. */
  busy: boolean
  firstDown: number | null
  wholeSince: number
  down: number
  /** What happens at a time that is not there yet; nothing after the horizon does. */
  readonly at: (time: number, run: () => void) => void
  /** The next thing to happen; null when nothing does any more. */
  readonly next: () => Entry | null
}

const earlier = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/** A heap: the earliest first, and of two at one time the one that was said first. */
const agenda = (horizon: number) => {
  const heap: Array<Entry> = []
  let order = 0
  const swap = (i: number, j: number): void => {
    const [a, b] = [heap[i], heap[j]]
    if (a !== undefined && b !== undefined) [heap[i], heap[j]] = [b, a]
  }
  const before = (i: number, j: number): boolean => {
    const [a, b] = [heap[i], heap[j]]
    return a !== undefined && b !== undefined && earlier(a, b)
  }
  const at = (time: number, run: () => void): void => {
    if (time > horizon) return
    let i = heap.push({ at: time, order: order++, run }) - 1
    while (i > 0 && before(i, (i - 1) >> 1)) {
      swap(i, (i - 1) >> 1)
      i = (i - 1) >> 1
    }
  }
  const next = (): Entry | null => {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return null
    if (heap.length === 0) return first
    heap[0] = last
    let i = 0
    for (;;) {
      const child = before(2 * i + 2, 2 * i + 1) ? 2 * i + 2 : 2 * i + 1
      if (!before(child, i)) return first
      swap(i, child)
      i = child
    }
  }
  return { at, next }
}

/** A world at its beginning, where everybody is at work. */
export const makeWorld = (setting: Setting, policies: Policies, seed: number): World => ({
  setting,
  policies,
  seed,
  horizon: setting.scenario.horizon,
  agents: setting.fates.map(({ paused }) => ({ alive: !paused, up: !paused, lives: 1, starts: 0, lost: false, downSince: 0 })),
  tally: {
    starts: 0,
    restarts: 0,
    kept: 0,
    dropped: 0,
    lost: 0,
    refused: 0,
    approvals: 0,
    escalations: 0,
    deaths: 0,
    downtimeMs: 0,
    longestOutageMs: 0
  },
  needs: [],
  state: setting.launched,
  now: 0,
  writtenFor: NaN,
  written: "",
  boots: 1,
  operations: 0,
  busy: false,
  firstDown: null,
  wholeSince: 0,
  down: 0,
  ...agenda(setting.scenario.horizon)
})

/** A time of the world as the log writes it. */
export const iso = ({ setting }: Pick<World, "setting">, time: number): string =>
  new Date(setting.beginsAt + time).toISOString()

/** The present time as the log writes it. */
const written = (world: World): string => {
  if (world.writtenFor !== world.now) {
    world.writtenFor = world.now
    world.written = iso(world, world.now)
  }
  return world.written
}

/** Appends events to the world's log, which is nothing but its fold. */
export const happened = (world: World, events: ReadonlyArray<Event>): void => {
  world.state = folded(world.state, events, written(world)) ?? world.state
}

export const agentAt = ({ state }: World, index: number): AgentState | undefined => state.agents[index]

export const indexOf = ({ setting }: World, id: AgentId): number => setting.index.get(id) ?? -1

/** An agent can be worked with from now on, or can't. */
export const setUp = (world: World, index: number, up: boolean): void => {
  const { now, tally } = world
  const living = world.agents[index]
  if (living === undefined || living.up === up) return
  living.up = up
  if (up) {
    tally.downtimeMs += now - living.downSince
    world.down -= 1
    if (world.down > 0) return
    tally.longestOutageMs = Math.max(tally.longestOutageMs, now - world.wholeSince)
    world.wholeSince = now
  } else {
    living.downSince = now
    world.firstDown ??= now
    if (world.down === 0) world.wholeSince = now
    world.down += 1
  }
}

/** What a decision is made from now. */
export const momentOf = (world: World): Moment => ({
  setting: world.setting,
  state: world.state,
  at: world.setting.beginsAt + world.now,
  boot: `boot-${world.boots}`,
  alive: (index) => world.agents[index]?.alive ?? false,
  lost: (index) => world.agents[index]?.lost ?? false
})
