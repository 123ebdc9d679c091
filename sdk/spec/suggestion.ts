/** Edits (insert, delete, replace, swap neighbours) between two words, given up beyond `limit`. */
const distance = (left: string, right: string, limit: number): number => {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      let cost = Math.min(
        (last[column] ?? limit) + 1,
        (current[column - 1] ?? limit) + 1,
        (last[column - 1] ?? limit) + (same ? 0 : 1)
      )
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? limit) + 1)
      }
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[right.length] ?? limit + 1
}

/** The one candidate that begins with `word`, or else the closest. */
export const likely = (word: string, candidates: ReadonlyArray<string>): string | undefined => {
  const bare = word.replace(/^-+/, "").toLowerCase()
  const begun = bare.length < 2 ? [] : candidates.filter((candidate) => candidate.replace(/^-+/, "").startsWith(bare))
  return begun.length === 1 ? begun[0] : closest(word, candidates)
}

/** The candidate that somebody who wrote `word` most likely meant; undefined when none is near. */
export const closest = (word: string, candidates: ReadonlyArray<string>): string | undefined => {
  const wanted = word.slice(0, 80).toLowerCase()
  const limit = wanted.length <= 3 ? 1 : 2
  let best: { readonly candidate: string; readonly edits: number } | undefined
  for (const candidate of candidates) {
    const edits = distance(wanted, candidate.toLowerCase(), limit)
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { candidate, edits }
  }
  return best?.candidate
}
