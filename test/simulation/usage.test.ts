// What the command of the simulation is asked for wrongly is played by nobody, and is no success of a check that runs it.
import { expect, it } from "@effect/vitest"
import { bin, run } from "../house/clone.ts"
import { root } from "../house/sources.ts"

const sim = (...args: ReadonlyArray<string>) =>
  run(process.execPath, [bin("tsx"), "--conditions=source", "test/simulation/sim.ts", ...args], root)

for (const [words, said] of [
  ["--worlds 0", /^--worlds is "0", which is no whole number from 1 /],
  ["--worlds", /^Option '--worlds <value>' argument missing\./],
  ["--worlds -1", /^Option '--worlds' argument is ambiguous\./],
  ["--worlds=-1", /^--worlds is "-1", which is no whole number/],
  ["--worlds 2.5", /^--worlds is "2\.5", which is no whole number/],
  ["--worlds 3 --worlds 4", /^--worlds is there twice\./],
  ["--worlds 3 --replay 2 --mutants", /^--worlds does not go with --replay\./],
  ["--replay 2 --mutants", /^--mutants does not go with --replay\./],
  ["--mutants --from 3", /^--from does not go with --mutants\./],
  ["--mutants --among 0", /^--among is "0", which is no whole number from 1 /],
  ["--jobs 0", /^--jobs is "0", which is no whole number from 1 /],
  ["--replay 99999999999999999999", /^--replay is "99999999999999999999", which is no whole number from 0 to 9007199254740991\./],
  ["--from 9007199254740991", /^--from 9007199254740991 leaves no room for 1000 worlds\./],
  ["3", /^Unexpected argument '3'\./]
] as const) {
  it(`${words} is wrong usage, and plays nothing`, async () => {
    const { code, err, out } = await sim(...words.split(" "))
    expect({ code, out }).toEqual({ code: 2, out: "" })
    expect(err).toMatch(said)
    expect(err).toMatch(/\. Nothing was played\.\nUsage: npm run sim -- /)
  }, 60_000)
}

it("plays as many worlds as it was asked for, however many processes share them", async () => {
  const { code, out } = await sim("--worlds", "5", "--jobs", "4", "--json")
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ worlds: 5, violations: 0 })
}, 120_000)
