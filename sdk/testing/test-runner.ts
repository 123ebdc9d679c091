type Runner = Pick<typeof import("@effect/vitest"), "describe" | "it">

// vitest can be imported only under vitest, and `reprise/testing` is more than suites: a script, or a process that a
// test starts (it inherits VITEST), imports it too. So the runner is asked for here, once, and may be missing.
const runner: Runner | null = process.env["VITEST"] === undefined
  ? null
  : await import("@effect/vitest").then(({ describe, it }) => ({ describe, it }), () => null)

/** vitest's `describe` and `it`, for suites that register tests. */
export const testRunner = (): Runner => {
  if (runner === null) {
    throw new Error("A suite registers tests, so it is called in a test file that vitest runs. Nothing was registered.")
  }
  return runner
}
