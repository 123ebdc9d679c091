// The closing line of `.ci/run`, from vitest's JSON report. Plain JavaScript: it must speak when all else is broken.
// usage: node tally.mjs REPORT EXIT_CODE_OF_THE_TESTS OTHER_FAILURES
import { readFileSync } from "node:fs"

const [report = "", exitCode = "1", others = "0"] = process.argv.slice(2)

/** @returns {{ passed: number, failed: number, skipped: number }} */
const count = () => {
  try {
    const { testResults } = JSON.parse(readFileSync(report, "utf8"))
    const total = { passed: 0, failed: 0, skipped: 0 }
    for (const { status, assertionResults } of testResults) {
      let failed = 0
      for (const test of assertionResults) {
        if (test.status === "passed") total.passed += 1
        else if (test.status === "failed") failed += 1
        else total.skipped += 1
      }
      // A file that could not even be read has no test to fail.
      total.failed += status === "failed" ? Math.max(1, failed) : failed
    }
    return total
  } catch (error) {
    console.error(`The tests left no report: ${String(error)}`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

const { passed, failed, skipped } = count()
// A run can fail with every test passed: an unhandled error, a crash of the runner.
const unseen = Number(exitCode) !== 0 && failed === 0 ? 1 : 0
const all = failed + unseen + Number(others)
console.log(`${passed} passed, ${all} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`)
process.exitCode = all === 0 && passed > 0 ? 0 : 1
