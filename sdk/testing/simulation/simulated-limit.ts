import type { AgentFailure } from "../../domain/failure.ts"

// What keeps a CLI of the simulated world from working, and how it says so.

/** What keeps a CLI from working, for a time. */
export interface Limit {
  readonly kind: "usage_limit" | "auth"
  /** When it ends, in milliseconds since the epoch; null where the CLI does not say. */
  readonly until: number | null
  /** A CLI that is started meanwhile lives on and shows it; else it ends. */
  readonly shown: boolean
}

const limitStatus = 1e10
const authStatus = 2e10

/** The status with which a CLI ends that can't work: it tells when it can again, in whole seconds, or 0. */
export const statusOf = ({ kind, until }: Limit): number =>
  (kind === "auth" ? authStatus : limitStatus) + (until === null ? 0 : Math.ceil(until / 1000))

/** What such a status says; null for any other. */
export const limitOf = (name: string, status: number): AgentFailure | null => {
  if (status < limitStatus) return null
  const kind = status < authStatus ? "usage_limit" : "auth"
  const seconds = status % limitStatus
  const retryAt = seconds === 0 ? null : new Date(seconds * 1000).toISOString()
  return { kind, reason: `${name} can't work now (${kind}).`, retryable: kind === "usage_limit", retryAt }
}
