import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { redact, redactText } from "../../sdk/event-log/redact.ts"

const key = `sk-ant-${"a1B2".repeat(8)}`

const shapeOf = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shapeOf)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
    : typeof value === "string"
    ? value === ""
    : value

describe("redact", () => {
  it("scrubs texts under keys that name a secret and leaves the shape", () => {
    assert.deepStrictEqual(
      redact({ env: { OPENAI_API_KEY: "x", PATH: "/bin" }, apiKey: ["a", 1, ""], max_tokens: 9, token: null }),
      { env: { OPENAI_API_KEY: "[redacted]", PATH: "/bin" }, apiKey: ["[redacted]", 1, ""], max_tokens: 9, token: null }
    )
  })

  it("scrubs what has the shape of a key, and only that", () => {
    assert.strictEqual(redactText(`take ${key}, then ask`), "take [redacted], then ask")
    assert.strictEqual(redactText("Authorization: Bearer abcdefghijklmnop"), "Authorization: Bearer [redacted]")
    assert.strictEqual(redactText(`ghp_${"a".repeat(36)}`), "[redacted]")
    for (const text of ["a bearer of news", "the sk-short one", "ask-me-anything", "token = next()", "risk-adjusted-returns-2024"]) {
      assert.strictEqual(redactText(text), text)
    }
  })

  it("scrubs the values of options that name a secret", () => {
    assert.deepStrictEqual(
      redact(["claude", "--api-key", "abc", "--token=abc", "--model", "opus"]),
      ["claude", "--api-key", "[redacted]", "--token=[redacted]", "--model", "opus"]
    )
  })

  it("is idempotent and keeps structure; what holds no secret stays the same object", () => {
    const secrets = FastCheck.constantFrom(key, `Bearer ${"x".repeat(20)}`, "--token=abc", "--password", "plain", "")
    const names = FastCheck.constantFrom("token", "apiKey", "text", "authorization", "a")
    const { value } = FastCheck.letrec((tie) => ({
      value: FastCheck.oneof(
        { depthSize: "small" },
        secrets,
        FastCheck.integer(),
        FastCheck.constant(null),
        FastCheck.array(tie("value"), { maxLength: 4 }),
        FastCheck.dictionary(names, tie("value"), { maxKeys: 4 })
      )
    }))
    FastCheck.assert(FastCheck.property(value, (any) => {
      const once = redact(any)
      assert.strictEqual(redact(once), once)
      assert.deepStrictEqual(shapeOf(once), shapeOf(any))
      assert.notInclude(JSON.stringify(once), key)
    }))
    const clean = { text: "plain", list: [1, { a: "b" }] }
    assert.strictEqual(redact(clean), clean)
  })
})
