import * as Effect from "effect/Effect"
import { expectThat, TransportCheckFailed } from "./transport-ground.ts"
import type { TransportRule } from "./transport-rule.ts"
import { hostileTexts } from "./transport-start-rules.ts"

const megabyte = 1024 * 1024

/** Two megabytes in lines, so that a loss in the middle shows. */
export const largeText = (): string => {
  const lines: Array<string> = []
  for (let size = 0; size < 2 * megabyte;) {
    const line = `${lines.length} ${"abcdefghij".repeat(9)}`
    lines.push(line)
    size += line.length + 1
  }
  return lines.join("\n")
}

export const typingRules: ReadonlyArray<TransportRule> = [
  {
    name: "the screen shows what the process wrote",
    run: (ground) =>
      Effect.gen(function*() {
        const worker = yield* ground.spawn("coder")
        const { cursor, lines } = yield* ground.ready(worker)
        yield* expectThat(lines.at(-1) !== "", "Trailing blank lines are not trimmed.")
        yield* expectThat(cursor.row >= 0 && cursor.row < 1000 && cursor.column >= 0, "The cursor is nowhere.")
      })
  },
  {
    name: "a paste of several lines arrives whole and is not submitted",
    run: (ground) =>
      Effect.gen(function*() {
        const worker = yield* ground.spawn("coder")
        yield* ground.ready(worker)
        const text = `first\n  ${hostileTexts.join(" ")}\n\nlast`
        yield* ground.driver.paste(worker.pane, text)
        yield* ground.draftIs(worker, text)
        const before = yield* ground.entered(worker)
        yield* expectThat(before.length === 0, `The paste was submitted: ${before.join()}`)
        yield* ground.driver.press(worker.pane, ["Enter"])
        yield* ground.screenWith(worker.pane, `got ${text.length}`)
        const after = yield* ground.entered(worker)
        yield* expectThat(after.length === 1 && after[0] === JSON.stringify(text), `Entered was ${after.join()}`)
      })
  },
  {
    name: "keys arrive, in order",
    run: (ground) =>
      Effect.gen(function*() {
        const worker = yield* ground.spawn("coder")
        yield* ground.ready(worker)
        yield* ground.driver.press(worker.pane, ["a", "Space", ";", "#", "$", "z", "Enter"])
        yield* ground.screenWith(worker.pane, "got 6")
        const entered = yield* ground.entered(worker)
        yield* expectThat(entered[0] === JSON.stringify("a ;#$z"), `The keys arrived as ${entered.join()}.`)
      })
  },
  {
    name: "two agents do not mix",
    run: (ground) =>
      Effect.gen(function*() {
        const one = yield* ground.spawn("one")
        const two = yield* ground.spawn("two")
        yield* Effect.all([ground.ready(one), ground.ready(two)], { concurrency: 2 })
        const texts = { one: "for the first ".repeat(40), two: "for the second ".repeat(40) }
        yield* Effect.all([ground.driver.paste(one.pane, texts.one), ground.driver.paste(two.pane, texts.two)], {
          concurrency: 2
        })
        yield* ground.draftIs(one, texts.one)
        yield* ground.draftIs(two, texts.two)
        yield* ground.driver.stop(one.pane, { graceMs: 2000 })
        const { evidence, state } = yield* ground.driver.inspect(two.pane)
        yield* expectThat(state === "alive", `One was stopped, and two is ${state}: ${evidence}`)
      })
  },
  {
    name: "two megabytes arrive or are refused",
    run: (ground) =>
      Effect.gen(function*() {
        const worker = yield* ground.spawn("coder")
        yield* ground.ready(worker)
        const text = largeText()
        const pasted = yield* Effect.either(ground.driver.paste(worker.pane, text))
        if (pasted._tag === "Right") return yield* ground.draftIs(worker, text)
        const { detail, reason } = pasted.left
        yield* expectThat(reason === "Refused", `A large paste failed with ${reason}: ${detail}`)
        const { state } = yield* ground.driver.inspect(worker.pane)
        yield* expectThat(state === "alive", `After a refused paste the agent is ${state}.`)
      })
  },
  {
    name: "a paste into a dead pane is a typed failure, and the others live on",
    run: (ground) =>
      Effect.gen(function*() {
        const dead = yield* ground.spawn("dead")
        const other = yield* ground.spawn("other")
        yield* ground.ready(other)
        yield* ground.world.kill(dead.pane.pid, 9)
        yield* ground.deadIn(dead.pane)
        const operations = {
          paste: ground.driver.paste(dead.pane, "hello"),
          press: ground.driver.press(dead.pane, ["Enter"]),
          interrupt: ground.driver.interrupt(dead.pane)
        }
        for (const [name, operation] of Object.entries(operations)) {
          const answer = yield* Effect.either(operation)
          if (answer._tag === "Right") {
            return yield* new TransportCheckFailed({ detail: `${name} into a dead pane is said to have worked.` })
          }
        }
        yield* ground.driver.paste(other.pane, "still here")
        yield* ground.draftIs(other, "still here")
      })
  }
]
