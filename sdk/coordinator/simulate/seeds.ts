/** How many runs a simulation has at most. */
export const seedsAtMost = 1_000_000
