import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { Effect, readProcess, Schema, sharedLook } from "reprise/plugin"
import type {
  AgentProcess, HostProcess, Json, ProcessEvidence, RecognisedProcess, SessionHolder
} from "reprise/plugin"

// What running workers say of themselves: each keeps a file under the root of its transcripts, by its pid.

const WorkerRecord = Schema.parseJson(Schema.Struct({
  pid: Schema.Int,
  /** Ticks since the boot at which the process began; null where the host has no /proc. */
  started: Schema.NullOr(Schema.String),
  cwd: Schema.String,
  sessionId: Schema.NonEmptyString,
  status: Schema.Literal("starting", "idle", "busy", "awaiting_approval", "error")
}))
type WorkerRecord = typeof WorkerRecord.Type
const decodeRecord = Schema.decodeUnknownOption(WorkerRecord)

const recordFile = (root: string, pid: number): string => join(root, ".processes", `${pid}.json`)

const readRecord = (file: string): WorkerRecord | null => {
  try {
    const decoded = decodeRecord(readFileSync(file, "utf8"))
    return decoded._tag === "Some" ? decoded.value : null
  } catch {
    return null
  }
}

/** Whether the record is of exactly this process: a pid is given out again. */
const isOf = ({ pid, started }: WorkerRecord, process: { readonly pid: number; readonly startTime: string }): boolean =>
  pid === process.pid && (started === null || started === process.startTime.split("@")[0])

const transcriptOf = (root: string, sessionId: string): string | null => {
  const path = join(root, `${sessionId}.jsonl`)
  return existsSync(path) ? path : null
}

/** What the worker's own file says; a worker that was killed left what it said last. */
export const evidenceOf = (root: string, process: Pick<AgentProcess, "pid" | "startTime" | "alive">): ProcessEvidence | null => {
  const file = recordFile(root, process.pid)
  const record = readRecord(file)
  if (record === null || !isOf(record, process)) return null
  return {
    sessionId: record.sessionId,
    transcript: transcriptOf(root, record.sessionId),
    state: process.alive ? record.status : null,
    evidence: `${file} says so`
  }
}

/** What all workers below this root wrote of themselves: whoever asks after many conversations at once reads it once. */
const allRecords = sharedLook((root: string) =>
  Effect.sync(() => {
    const directory = join(root, ".processes")
    const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".json")) : []
    return names.flatMap((name) => {
      const file = join(directory, name)
      const record = readRecord(file)
      return record === null ? [] : [{ file, record }]
    })
  })
)

/** Live workers that have this conversation. */
export const holdersOf = (root: string, sessionId: string): Effect.Effect<ReadonlyArray<SessionHolder>> =>
  Effect.gen(function*() {
    const holders: Array<SessionHolder> = []
    for (const { file, record } of yield* allRecords(root)) {
      if (record.sessionId !== sessionId) continue
      const process = yield* readProcess(record.pid)
      if (process.state !== "alive" || !isOf(record, process)) continue
      const { pid, startTime } = process
      holders.push({ pid, startTime, evidence: `${file} says that process ${pid} is in it` })
    }
    return holders
  })

const flagsOf = (words: ReadonlyArray<string>): ReadonlyMap<string, string> =>
  new Map(words.flatMap((word, at) => at % 2 === 0 ? [[word, words[at + 1] ?? ""] as const] : []))

/** A worker that somebody started by hand: its command line says where its conversations are, its file which one it is in. */
export const recognise = ({ argv, cwd, pid, startTime }: HostProcess): RecognisedProcess | null => {
  const [, script = "", ...words] = argv
  const program = resolve(cwd ?? "/", script)
  if (basename(program) !== "worker.mjs" || basename(dirname(program)) !== "fake" || cwd === null) return null
  const given = flagsOf(words)
  const root = given.get("--root")
  if (root === undefined) return null
  const directory = resolve(cwd, root)
  const record = readRecord(recordFile(directory, pid))
  const own = record !== null && isOf(record, { pid, startTime }) ? record : null
  const turn = Number(given.get("--turn") ?? "")
  const options: Record<string, Json> = {
    root: directory,
    ...given.has("--login") ? { login: given.get("--login") ?? "" } : {},
    ...given.has("--turn") && Number.isSafeInteger(turn) && turn >= 0 ? { turn } : {}
  }
  return {
    sessionId: own?.sessionId ?? null,
    transcript: own === null ? null : transcriptOf(directory, own.sessionId),
    cwd,
    model: given.get("--model") ?? null,
    permissions: given.get("--permissions") ?? null,
    options,
    env: {},
    evidence: own === null
      ? `${recordFile(directory, pid)} does not tell which conversation it is in`
      : `${recordFile(directory, pid)}, which it keeps, says so`
  }
}
