import * as Effect from "effect/Effect"
import { memoryUnderTest, transportSuite } from "reprise/testing"

const { latest, make, world } = memoryUnderTest()

transportSuite("memory", make, {
  world,
  breakQueries: (driver) =>
    Effect.as(latest()?.inject({ on: "list", call: "every", fault: "unknown" }) ?? Effect.void, driver)
})
