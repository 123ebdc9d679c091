import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { expect } from "vitest"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bootId, readProcess, sameBoot, startTimeOf } from "reprise/plugin"
import { startedBeforeBoot } from "../../sdk/domain/boot.ts"
import { ownIdentity } from "../../sdk/event-log/process-identity.ts"
import { HostBoot } from "../../sdk/lifecycle/boot.ts"
import { SinceBoot } from "../../sdk/session/clock.ts"
import { bootOf } from "../../sdk/testing/simulation/layers.ts"

const onLinux = process.platform === "linux"

describe("the id of the boot", () => {
  it.live.runIf(onLinux)("of a real process's start is the host's", () =>
    Effect.gen(function*() {
      const child = spawn("/bin/sleep", ["600"], { stdio: "ignore" })
      const reading = yield* readProcess(child.pid ?? 0)
      child.kill("SIGKILL")
      if (reading.state !== "alive") return expect.unreachable(`the process is ${reading.state}`)
      const host = yield* HostBoot
      const whole = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
      expect(host).toBe(whole)
      expect(ownIdentity().boot).toBe(whole)
      expect((yield* yield* SinceBoot).boot).toBe(whole)
      expect(reading.startTime).toMatch(/^\d+@[0-9a-f]{8}$/)
      expect(startedBeforeBoot(reading.startTime, host)).toBe(false)
      expect(startedBeforeBoot(reading.startTime, "00000000-0000-4000-8000-000000000001")).toBe(true)
    }))

  it("of a simulated machine has the same form, and each boot its own", () => {
    const [one, two] = [bootOf(1), bootOf(2)]
    const started = startTimeOf(12, one)
    expect(started).toMatch(/^\d+@[0-9a-f]{8}$/)
    expect(startedBeforeBoot(started, one)).toBe(false)
    expect(startedBeforeBoot(started, two)).toBe(true)
  })

  it("is the same in both lengths, and never the same as none", () => {
    const whole = "6f0c7c1e-0000-4000-8000-000000000001"
    expect(sameBoot(whole, "6f0c7c1e")).toBe(true)
    expect(sameBoot("6f0c7c1e", whole)).toBe(true)
    expect(sameBoot(whole, "6f0c7c1e-0000-4000-8000-000000000002")).toBe(false)
    expect(sameBoot("", whole)).toBe(false)
    expect(sameBoot("", "")).toBe(false)
    expect(startedBeforeBoot(`17@${whole}`, "deadbeef-0000-4000-8000-000000000001")).toBe(true)
  })

  it("that is not known proves no other boot", () => {
    for (const then of ["", "17", "17@", "17@unknown", "17@memory", "Sun Nov 22 21:02:03 2026@ps"]) {
      expect(startedBeforeBoot(then, "6f0c7c1e-0000-4000-8000-000000000001")).toBe(false)
    }
    expect(startedBeforeBoot("17@6f0c7c1e", null)).toBe(false)
    expect(startedBeforeBoot("17@6f0c7c1e", "")).toBe(false)
    expect(startTimeOf(17, bootId()).split("@")[1]).not.toBe("")
  })
})
