/** Numbers from a seed: equal seeds give equal numbers, on every machine. */
export interface Random {
  /** At least 0, less than 1. */
  readonly next: () => number
  /** A whole number, at least 0 and less than `below`. */
  readonly int: (below: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(from: readonly [A, ...ReadonlyArray<A>]) => A
}

/** Two numbers made one, so that what is drawn for one purpose does not disturb what is drawn for another. */
export const mix = (seed: number, other: number): number => {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(other + 0x165667b1, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

export const randomFrom = (seed: number): Random => {
  let state = mix(seed, 1)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const int = (below: number): number => Math.floor(next() * below)
  return { next, int, chance: (probability) => next() < probability, pick: (from) => from[int(from.length)] ?? from[0] }
}
