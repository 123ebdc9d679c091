// What came over the wire is of no known shape: it is looked at, never assumed.

export const field = (value: unknown, ...path: ReadonlyArray<string>): unknown => {
  let found = value
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined
    found = Object.entries(found).find(([key]) => key === name)?.[1]
  }
  return found
}

export const text = (value: unknown): string => typeof value === "string" ? value : ""

export const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

/** The value of this JSON; null where it is none. */
export const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
