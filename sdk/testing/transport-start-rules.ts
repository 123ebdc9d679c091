import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { expectThat, TransportCheckFailed } from "./transport-ground.ts"
import type { TransportRule } from "./transport-rule.ts"

/** Texts that a shell, a format language or a terminal would take for something else. */
export const hostileTexts: ReadonlyArray<string> = [
  "#(touch pwned)",
  "$(touch pwned)",
  "`touch pwned`",
  "; touch pwned;",
  "#{pane_id}",
  "##{pane_id} #[fg=red]",
  "$HOME ${HOME} ~",
  "'single' \"double\" \\ back\\\\slash",
  "two\nlines",
  "tab\tand trailing blank ",
  "-n --flag=value",
  "%0 %s %%",
  "*?[a] {a,b} !! ^",
  "zwölf 漢字 🎼",
  ""
]

/** What a terminal itself may add to an environment. */
const terminalNames = new Set(["TERM", "PWD", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLUMNS", "LINES"])
const canary = "REPRISE_SUITE_CANARY"

export const startRules: ReadonlyArray<TransportRule> = [
  {
    name: "spawn answers with the whole identity",
    run: (ground) =>
      Effect.gen(function*() {
        const { pane } = yield* ground.spawn("coder")
        const { pid } = yield* ground.report({ pane, directory: `${ground.place.root}/coder-1` })
        yield* expectThat(pane.spawn === "spawn-1-coder", `The identity names the spawn ${pane.spawn}.`)
        for (const [member, value] of Object.entries(pane)) {
          yield* expectThat(value !== "", `The identity's ${member} is empty.`)
        }
        yield* expectThat(pane.pid === pid, `The identity has pid ${pane.pid}, the program is ${pid}.`)
        const state = yield* ground.world.state(pane)
        yield* expectThat(state === "alive", `By pid and start time (${pane.startTime}) the process is ${state}.`)
        const { evidence, state: inspected } = yield* ground.driver.inspect(pane)
        yield* expectThat(inspected === "alive", `inspect says ${inspected}: ${evidence}`)
      })
  },
  {
    name: "argv, directory and environment arrive exactly",
    run: (ground) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const cwd = `${ground.place.workspace}/#(touch pwned) $HOME ; 'x' #{pane_id}`
        yield* fs.makeDirectory(cwd)
        const env = Object.fromEntries(hostileTexts.map((text, index) => [`HOSTILE_${index}`, text]))
        const worker = yield* ground.spawn("coder", { args: hostileTexts, env, cwd })
        const report = yield* ground.report(worker)
        yield* expectThat(
          JSON.stringify(report.argv) === JSON.stringify(hostileTexts),
          `The program was started with ${JSON.stringify(report.argv)}.`
        )
        yield* expectThat(report.cwd === cwd, `The program was started in ${report.cwd}.`)
        for (const [name, value] of Object.entries(env)) {
          yield* expectThat(report.env[name] === value, `${name} is ${JSON.stringify(report.env[name])}.`)
        }
        for (const directory of [cwd, ground.place.root, ground.place.workspace, process.cwd()]) {
          yield* expectThat(!(yield* fs.exists(`${directory}/pwned`)), `A text was executed: ${directory}/pwned exists.`)
        }
      })
  },
  {
    name: "nothing is inherited in the environment",
    run: (ground) =>
      Effect.gen(function*() {
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            process.env[canary] = "sings"
          }),
          () => Effect.sync(() => delete process.env[canary])
        )
        const worker = yield* ground.spawn("coder", { env: { ASKED: "for" } })
        const { env } = yield* ground.report(worker)
        const asked = new Set(["PATH", "HOME", "ASKED"])
        const more = Object.keys(env).filter((name) => !asked.has(name) && !terminalNames.has(name))
        yield* expectThat(more.length === 0, `Nobody asked for ${more.join(", ")}.`)
      })
  },
  {
    name: "a program that is not there is a typed failure or a dead pane",
    run: (ground) =>
      Effect.gen(function*() {
        const { request } = ground.request("coder")
        const started = yield* Effect.either(
          ground.driver.spawn({ ...request, argv: [`${ground.place.root}/no such program`] })
        )
        if (started._tag === "Left") return
        const state = yield* ground.driver.inspect(started.right)
        yield* expectThat(state.state !== "alive" || (yield* ground.world.state(started.right)) === "alive",
          "A program that does not exist is said to be alive.")
        yield* ground.driver.stop(started.right, { graceMs: 500 })
      }),
    real: true
  },
  {
    name: "a listing holds what was spawned, and nothing else of ours",
    run: (ground) =>
      Effect.gen(function*() {
        const one = yield* ground.spawn("one")
        const two = yield* ground.spawn("two")
        const listing = yield* ground.driver.list
        yield* expectThat(listing.home === "up", `The home is ${listing.home} with two agents in it.`)
        for (const [name, { pane }] of [["one", one], ["two", two]] as const) {
          const found = listing.panes.filter(({ identity }) => identity.spawn === pane.spawn)
          yield* expectThat(found.length === 1, `The listing has ${name} ${found.length} times.`)
          yield* expectThat(
            found.every(({ agent, identity, team }) =>
              agent === name && team === "alpha" && identity.pid === pane.pid && identity.startTime === pane.startTime &&
              identity.pane === pane.pane
            ),
            `The listing has another identity for ${name}: ${JSON.stringify(found)}.`
          )
        }
        yield* expectThat(listing.panes.length === 2, `The listing has ${listing.panes.length} panes, not two.`)
      })
  },
  {
    name: "many spawns at once all start",
    run: (ground) =>
      Effect.gen(function*() {
        const names = Array.from({ length: 8 }, (_, index) => `agent-${index}`)
        const workers = yield* Effect.forEach(names, (name) => ground.spawn(name), { concurrency: "unbounded" })
        const pids = new Set(workers.map(({ pane }) => pane.pid))
        yield* expectThat(pids.size === names.length, `${names.length} spawns have ${pids.size} pids.`)
        const { panes } = yield* ground.driver.list
        yield* expectThat(panes.length === names.length, `The listing has ${panes.length} of ${names.length} panes.`)
      })
  },
  {
    name: "a failed query is a failure, not an empty listing",
    applies: (_capabilities, options) => options.breakQueries !== undefined,
    run: (ground, options) =>
      Effect.gen(function*() {
        const { pane } = yield* ground.spawn("coder")
        if (options.breakQueries === undefined) return
        const broken = yield* options.breakQueries(ground.driver, ground.place, ground.open)
        const listing = yield* Effect.either(broken.list)
        if (listing._tag === "Right") {
          return yield* new TransportCheckFailed({
            detail: `list could not know, and answered ${JSON.stringify(listing.right)}.`
          })
        }
        const { reason } = listing.left
        yield* expectThat(reason === "Unreachable", `list could not know, and said ${reason}.`)
        const { evidence, state } = yield* broken.inspect(pane)
        yield* expectThat(state !== "dead" && state !== "foreign", `inspect says ${state} of a living pane: ${evidence}`)
      })
  },
  {
    name: "closing the scope ends the agents",
    applies: ({ survivesCaller }) => !survivesCaller,
    run: (ground) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const driver = yield* Scope.extend(ground.open, scope)
        const { pane } = yield* ground.spawnBy(driver, "coder")
        yield* Scope.close(scope, Exit.void)
        const state = yield* ground.world.state(pane)
        yield* expectThat(state === "dead", `The caller is gone and its agent is ${state}.`)
      })
  },
  {
    name: "agents outlive their caller, and the next one finds them",
    applies: ({ survivesCaller }) => survivesCaller,
    run: (ground) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const driver = yield* Scope.extend(ground.open, scope)
        const { pane } = yield* ground.spawnBy(driver, "coder")
        yield* Scope.close(scope, Exit.void)
        const state = yield* ground.world.state(pane)
        yield* expectThat(state === "alive", `The caller is gone and its agent is ${state}.`)
        const next = yield* ground.open
        const { panes } = yield* next.list
        yield* expectThat(panes.some(({ identity }) => identity.spawn === pane.spawn), "The next caller does not list it.")
        const inspected = yield* next.inspect(pane)
        yield* expectThat(inspected.state === "alive", `The next caller says ${inspected.state}: ${inspected.evidence}`)
        const report = yield* next.stop(pane, { graceMs: 1000 })
        yield* expectThat(report.gone, `The next caller can't stop it: ${report.evidence}`)
      })
  }
]
