import { createHash } from "node:crypto"

/** Objects with their members in one order. */
export const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, inner]) => [name, sorted(inner)]))
    : value

/** Equal for values that say the same, in whatever order their members stand. */
export const canonicalHash = (value: unknown): string => createHash("sha256").update(JSON.stringify(sorted(value))).digest("hex")
