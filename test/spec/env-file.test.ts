import { assert, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { redact } from "../../sdk/event-log/redact.ts"
import { expandReferences, parseEnvFile, referenceProblem } from "../../sdk/spec/env-file.ts"
import { parseTeamFile } from "../../sdk/spec/team-file.ts"

describe("an environment file", () => {
  it("is lines of names and values", () => {
    const { env, problems } = parseEnvFile("\uFEFF# one\r\nA=1\r\nexport B = two words # said\n\nC='a # b'\nD=\"x\\ny \\\"z\\\"\"\nE=\nF=a#b\nG=${HOME}\n")
    expect(problems).toEqual([])
    expect(env).toEqual({ A: "1", B: "two words", C: "a # b", D: "x\ny \"z\"", E: "", F: "a#b", G: "${HOME}" })
  })

  it("says line and column of what it does not understand", () => {
    const { env, problems } = parseEnvFile("GOOD=1\nno equals\n  2X=1\nA=\"open\nB='x' y\n")
    expect(env).toEqual({ GOOD: "1" })
    expect(problems.map(({ column, line }) => `${line}:${column}`)).toEqual(["2:1", "3:3", "4:3", "5:6"])
  })

  it.prop("gives back any quoted value", [FastCheck.string().filter((text) => !/[\r\n\0]/.test(text))], ([text]) => {
    const quoted = `"${text.replace(/[\\"]/g, "\\$&")}"`
    expect(parseEnvFile(`NAME=${quoted}`).env).toEqual({ NAME: text })
  })
})

describe("a reference", () => {
  it("is replaced; one that is not set or empty is missing", () => {
    expect(expandReferences("a ${X} b $X $${X} ${Y}", { X: "1", Y: "" })).toEqual({ value: "a 1 b $X ${X} ", names: ["X", "Y"], missing: ["Y"] })
  })

  it("of another form is a problem with its place in the team file", () =>
    Effect.gen(function*() {
      expect(referenceProblem("plain $HOME $${HOME} ${HOME}")).toBeNull()
      for (const wrong of ["${", "${HOME", "${}", "${HOME:-x}", "${1}"]) expect(referenceProblem(wrong)).not.toBeNull()
      const text = "name: alpha\nagents:\n  one:\n    provider: fake\n    env:\n      KEY: ${HOME:-x}\n"
      const refused = yield* Effect.flip(parseTeamFile(text, { file: "team.yaml", workspace: "/work" }))
      assert.include(refused.message, "team.yaml:6:12")
      const read = yield* parseTeamFile("name: alpha\ndefaults: { provider: fake, env_file: keys.env }\nagents: { one: {}, two: { env_file: null } }\n", {
        file: "team.yaml",
        workspace: "/work"
      })
      assert.deepStrictEqual(read.spec.agents.map(({ envFile }) => envFile), ["/work/keys.env", undefined])
    }).pipe(Effect.runPromise))

  it("stays in the log where a secret would not", () => {
    const env = { A_API_KEY: "${A}", B_TOKEN: "Bearer ${B}", C_TOKEN: "abc${C}", D_TOKEN: "abc" }
    expect(redact(env)).toEqual({ A_API_KEY: "${A}", B_TOKEN: "Bearer ${B}", C_TOKEN: "[redacted]", D_TOKEN: "[redacted]" })
  })
})
