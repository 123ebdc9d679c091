import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { bootId, sameBoot, type ProcessExit, type ProcessRef, type SpawnRequest } from "reprise/plugin"
import { codeOf, describe, failure } from "./failures.ts"
import type { PaneOwner } from "./panes.ts"
import { launchScript, parseExit, parsePids, type RecordedPids, recorderScript } from "./recorder.ts"

// The directory of one spawn: `owner`, `launch` (read once, removed), `pid` and `exit`, all owner-only.

/** Whose spawn it is, and on which boot of this machine: pids of another are nobody's. */
const Owner = Schema.parseJson(Schema.Struct({
  team: Schema.String,
  agent: Schema.String,
  generation: Schema.Int,
  boot: Schema.String
}))

export interface SpawnRecords {
  /** The recorder's own path. */
  readonly recorder: string
  readonly directory: (token: string) => string
  /** Makes the record of a spawn; a token is good for one. */
  readonly prepare: (request: SpawnRequest) => Effect.Effect<string, ReturnType<typeof failure>>
  /** The environment is not kept longer than it takes to read it. */
  readonly launched: (token: string) => Effect.Effect<void>
  readonly discard: (token: string) => Effect.Effect<void>
  readonly pids: (token: string) => Effect.Effect<RecordedPids | null>
  readonly exit: (token: string) => Effect.Effect<ProcessExit | null>
  /** The spawns of this boot whose end was not recorded, with their agents' processes. They need not live. */
  readonly unended: Effect.Effect<ReadonlyArray<{ readonly owner: PaneOwner; readonly agent: ProcessRef }>>
  /** Removes records of spawns that ended long ago. */
  readonly prune: Effect.Effect<void>
}

/** How long the record of a spawn that ended is kept. */
const keptMs = 7 * 24 * 3600 * 1000

/** By then a launch was read, or never will be. */
const launchMs = 3600 * 1000

const readOr = <A>(path: string, parse: (text: string) => A | null): A | null => {
  try {
    // Asked for again and again while it is awaited, and an error costs more than a look.
    return existsSync(path) ? parse(readFileSync(path, "utf8")) : null
  } catch {
    return null
  }
}

/** Writes the recorder out, so that it exists wherever this code was bundled to. */
const writeRecorder = (path: string): void => {
  if (readOr(path, (text) => text === recorderScript ? text : null) !== null) return
  const part = `${path}.${process.pid}`
  writeFileSync(part, recorderScript, { mode: 0o500 })
  chmodSync(part, 0o500)
  renameSync(part, path)
}

/** Opens the records below the plugin's state directory. */
export const openRecords = (stateDirectory: string): Effect.Effect<SpawnRecords, ReturnType<typeof failure>> =>
  Effect.try({
    try: () => {
      const recorder = join(stateDirectory, "recorder.sh")
      const spawns = join(stateDirectory, "spawns")
      mkdirSync(spawns, { recursive: true, mode: 0o700 })
      writeRecorder(recorder)
      const directory = (token: string) => join(spawns, token)
      const records: SpawnRecords = {
        recorder,
        directory,
        prepare: (request) =>
          Effect.try({
            try: () => {
              const path = directory(request.spawn)
              mkdirSync(path, { mode: 0o700 })
              const { agent, generation, team } = request
              const owner = Schema.encodeSync(Owner)({ team, agent, generation, boot: bootId() })
              writeFileSync(join(path, "owner"), owner, { mode: 0o600, flag: "wx" })
              writeFileSync(join(path, "launch"), launchScript(request), { mode: 0o600, flag: "wx" })
              return path
            },
            catch: (error) =>
              codeOf(error) === "EEXIST"
                ? failure("spawn", "Refused", `The spawn ${request.spawn} was made before; nothing was started.`)
                : failure("spawn", "Refused", `The record of the spawn can't be written: ${describe(error)}.`)
          }),
        launched: (token) => Effect.sync(() => rmSync(join(directory(token), "launch"), { force: true })),
        discard: (token) => Effect.sync(() => rmSync(directory(token), { recursive: true, force: true })),
        pids: (token) => Effect.sync(() => readOr(join(directory(token), "pid"), (text) => parsePids(text, bootId()))),
        exit: (token) => Effect.sync(() => readOr(join(directory(token), "exit"), parseExit)),
        unended: Effect.sync(() => unendedIn(spawns)),
        prune: Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => prune(spawns, now)))
      }
      return records
    },
    catch: (error) => failure("setup", "Refused", `${stateDirectory} can't be written: ${describe(error)}.`)
  })

const ofThisBoot = (boot: string): boolean => boot === bootId() || sameBoot(boot, bootId())

const unendedIn = (spawns: string) =>
  readdirSync(spawns).flatMap((spawn) => {
    const path = join(spawns, spawn)
    if (existsSync(join(path, "exit"))) return []
    const owner = readOr(join(path, "owner"), (text) => Option.getOrNull(Schema.decodeOption(Owner)(text)))
    const agent = readOr(join(path, "pid"), (text) => parsePids(text, bootId()))?.agent
    if (owner === null || !ofThisBoot(owner.boot) || agent === undefined || agent.startTime === null) return []
    return [{
      owner: { spawn, team: owner.team, agent: owner.agent, generation: owner.generation },
      agent: { pid: agent.pid, startTime: agent.startTime }
    }]
  })

const isOlder = (path: string, than: number): boolean => existsSync(path) && statSync(path).mtimeMs < than

const prune = (spawns: string, now: number): void => {
  for (const token of readdirSync(spawns)) {
    const path = join(spawns, token)
    try {
      // Only an end that was recorded is certainly over.
      if (isOlder(join(path, "exit"), now - keptMs)) rmSync(path, { recursive: true, force: true })
      // One that its spawn, killed in between, left behind.
      else if (isOlder(join(path, "launch"), now - launchMs)) rmSync(join(path, "launch"), { force: true })
    } catch {
      // Another process was quicker.
    }
  }
}
