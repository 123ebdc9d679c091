// What is drawn is a function of the seed and of what it is drawn for, so that two policies meet the same fate: the third
// life of an agent lasts as long under the one as under the other.

/** Two numbers made one. */
const mix = (seed: number, other: number): number => {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(other + 0x165667b1, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

/** At least 0 and less than 1; equal numbers in, equal number out, on every machine. */
export const chance = (seed: number, ...of: ReadonlyArray<number>): number =>
  mix(of.reduce(mix, mix(seed, 1)), 0x6d2b79f5) / 4294967296

/** How long something lasts. Times are milliseconds. */
export type Lasting =
  | { readonly distribution: "exponential"; readonly mean: number }
  | { readonly distribution: "weibull"; readonly scale: number; readonly shape: number }
  | { readonly distribution: "fixed"; readonly every: number }

/** The time that belongs to a chance. */
export const lasts = (how: Lasting, drawn: number): number => {
  switch (how.distribution) {
    case "exponential":
      return -how.mean * Math.log(1 - drawn)
    case "weibull":
      return how.scale * (-Math.log(1 - drawn)) ** (1 / how.shape)
    case "fixed":
      return how.every
  }
}
