import { readFileSync } from "node:fs"

let known: string | null = null

const readBootId = (): string => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return ""
  }
}

/** The id of the machine's present boot; empty where the host has none. */
export const bootId = (): string => known ??= readBootId()

/** How much of the boot id a start time carries. */
const markLength = 8

/** A start time as every record names it, `TICKS@BOOT`: ticks since the boot, and the beginning of the boot's id. */
export const startTimeOf = (ticks: number | string, boot: string): string =>
  `${ticks}@${boot === "" ? "unknown" : boot.slice(0, markLength)}`

/** Whether both name the same boot. Either may be the whole id or its beginning, as start times carry it. */
export const sameBoot = (one: string, other: string): boolean =>
  one !== "" && other !== "" && (one.startsWith(other) || other.startsWith(one))

/** Whether this start time is of an earlier boot than `boot`; false where either does not say which boot it means. */
export const startedBeforeBoot = (startTime: string, boot: string | null): boolean => {
  const then = startTime.split("@")[1] ?? ""
  return boot !== null && /^[0-9a-f]{8}(-[0-9a-f-]+)?$/.test(then) && /^[0-9a-f]{8}/.test(boot) && !sameBoot(then, boot)
}
