import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { median, quantile, row, table } from "./measure.ts"

describe("the bench's arithmetic", () => {
  it("takes medians and quantiles by nearest rank", () => {
    assert.strictEqual(median([3, 1, 2]), 2)
    assert.strictEqual(median([7]), 7)
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    assert.deepStrictEqual([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)], [50, 99, 100])
  })

  it.prop("a quantile is one of the samples, and grows with its share", [
    FastCheck.array(FastCheck.integer(), { minLength: 1 }),
    FastCheck.double({ min: 0, max: 1, noNaN: true })
  ], ([samples, share]) => {
    const value = quantile(samples, share)
    assert.include(samples, value)
    assert.isTrue(value <= quantile(samples, 1) && value >= Math.min(...samples))
  })

  it("gives a row its floor and ratio, and a table that says what is missing", () => {
    const each = row("restart.4", "ms", [30, 10, 20], { floor: 16 })
    assert.deepStrictEqual(each, {
      name: "restart.4",
      value: 20,
      unit: "ms",
      runs: 3,
      min: 10,
      max: 30,
      floor: 16,
      ratio: 1.25
    })
    const machine = { cpu: "c", cpus: 2, memoryMiB: 1, platform: "p", node: "v20", tmux: null, load: 0 }
    const leftOut = [{ name: "death.p50", reason: "tmux is not here" }]
    const text = table({ schema: "reprise.bench/1", machine, rows: [each], leftOut })
    assert.match(text, /restart\.4 +20 +10 +30 +ms +3 +16 +1\.25x/)
    assert.match(text, /Left out death\.p50: tmux is not here/)
  })
})
