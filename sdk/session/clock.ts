import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { uptime } from "node:os"
import { bootId, sameBoot } from "../domain/boot.ts"

// Times of birth and times of the log come from the clock on the wall, which can be set back. The kernel counts since the
// boot, and goes on counting.

/** A process's start by both: when it was intended, and as its host tells it (`TICKS@BOOT`). */
export interface StartReading {
  readonly intendedAt: number
  readonly startTime: string
}

/** How long this host has been up, by the clock that nobody sets, and which boot that is. A test says so by itself. */
export class SinceBoot extends Context.Reference<SinceBoot>()("reprise/SinceBoot", {
  defaultValue: () => Effect.sync(() => ({ sinceBootMs: uptime() * 1000, boot: bootId() }))
}) {}

/**
 * File systems stamp births by the kernel's last tick, so that a file may seem to be older than what made it, by this
 * much. Nobody's birth is told apart from a start that is as near as that.
 */
export const birthSlackMs = 10

const tickMs = 10
/** Clocks are disciplined by small steps all the time. */
const allowedMs = 1_000

/**
 * Whether the wall's clock was not set back between any of the starts and now. A start that was not on this boot says
 * nothing. A process starts after it was intended, so the reading of a start can only be too early.
 */
export const isSteady = (
  starts: ReadonlyArray<StartReading>,
  now: { readonly wallMs: number; readonly sinceBootMs: number; readonly boot: string }
): boolean => {
  const bootAt = now.wallMs - now.sinceBootMs
  return starts.every(({ intendedAt, startTime }) => {
    const [ticks = "", boot = ""] = startTime.split("@")
    if (!sameBoot(boot, now.boot) || !/^\d+$/.test(ticks)) return true
    return intendedAt - Number(ticks) * tickMs <= bootAt + allowedMs
  })
}
