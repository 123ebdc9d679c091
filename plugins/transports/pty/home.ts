import { randomUUID } from "node:crypto"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { PaneIdentity, processState } from "reprise/plugin"

// Who owns the panes of a workspace: a file that other processes read. Agents live in the process that started them.

export const HomePane = Schema.Struct({
  identity: PaneIdentity,
  team: Schema.String,
  agent: Schema.String,
  generation: Schema.Int
})
export type HomePane = typeof HomePane.Type

export const Owner = Schema.Struct({ pid: Schema.Int, startTime: Schema.String, command: Schema.String })
export type Owner = typeof Owner.Type

const Home = Schema.parseJson(Schema.Struct({ owner: Owner, panes: Schema.Array(HomePane) }))
type Home = typeof Home.Type

export type Residence =
  /** No owner lives; the panes are what a dead one has left. Their processes need not be dead. */
  | { readonly _tag: "Nobody"; readonly panes: ReadonlyArray<HomePane> }
  | { readonly _tag: "Owner"; readonly owner: Owner; readonly panes: ReadonlyArray<HomePane> }
  /** The file or the owner could not be read: nothing is known. */
  | { readonly _tag: "Unknown"; readonly detail: string }

/** The address of the terminals of one owner. */
export const endpointOf = ({ pid, startTime }: Owner): string => `pty:${pid}:${startTime}`

/** Those of the panes whose processes are not proved dead. */
export const notDead = (panes: ReadonlyArray<HomePane>): Effect.Effect<ReadonlyArray<HomePane>> =>
  Effect.filter(panes, ({ identity }) => Effect.map(processState(identity), (state) => state !== "dead"))

export const residenceSentence = (owner: Owner): string =>
  `The agents of this workspace live in process ${owner.pid} (${owner.command}), which shows them; ` +
  "run the command there or stop that process first."

/** The file of one workspace, as one process sees it. */
export const homeFile = (fs: FileSystem.FileSystem, file: string) => {
  const unreadable = (problem: unknown): Residence => ({
    _tag: "Unknown",
    detail: `${file} can't be read, so it is not known where the agents of this workspace live: ${String(problem)}`
  })

  const look: Effect.Effect<Residence> = fs.readFileString(file).pipe(
    Effect.flatMap(Schema.decode(Home)),
    Effect.flatMap(({ owner, panes }) =>
      Effect.map(processState(owner), (state): Residence =>
        state === "dead" ? { _tag: "Nobody", panes } : { _tag: "Owner", owner, panes })
    ),
    Effect.catchAll((problem) =>
      problem._tag === "SystemError" && problem.reason === "NotFound"
        ? Effect.succeed<Residence>({ _tag: "Nobody", panes: [] })
        : Effect.succeed(unreadable(problem))
    )
  )

  /** A whole file under a name of its own. */
  const written = (home: Home) =>
    Effect.gen(function*() {
      const draft = `${file}.${randomUUID()}`
      yield* fs.writeFileString(draft, yield* Schema.encode(Home)(home), { mode: 0o600, flag: "wx" })
      return draft
    })

  const save = (home: Home) => written(home).pipe(Effect.flatMap((draft) => fs.rename(draft, file)))

  /**
   * Makes this process the owner, unless a living one is: then it answers with who. What a dead owner left behind and
   * may live is taken over: there is no other record of it.
   */
  const claim = (owner: Owner): Effect.Effect<Residence> =>
    Effect.gen(function*() {
      const residence = yield* look
      if (residence._tag !== "Nobody") return residence
      const draft = yield* written({ owner, panes: yield* notDead(residence.panes) })
      const stale = `${file}.${randomUUID()}`
      // What lies there belongs to a dead owner, or else another process was faster: then it is put back.
      const moved = yield* fs.rename(file, stale).pipe(Effect.as(true), Effect.catchAll(() => Effect.succeed(false)))
      if (moved) {
        const content = yield* fs.readFileString(stale)
        const previous = yield* Schema.decode(Home)(content).pipe(Effect.option)
        if (previous._tag === "Some" && (yield* processState(previous.value.owner)) !== "dead") {
          yield* Effect.ignore(fs.link(stale, file))
        }
        yield* Effect.ignore(fs.remove(stale))
      }
      // A link is made only if nothing is there.
      yield* Effect.ignore(fs.link(draft, file))
      yield* Effect.ignore(fs.remove(draft))
      return yield* look
    }).pipe(Effect.catchAll((problem) => Effect.succeed(unreadable(problem))))

  return { look, claim, save, remove: Effect.ignore(fs.remove(file)) }
}
