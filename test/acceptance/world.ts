import * as Schema from "effect/Schema"
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Home, makeHome, type Seeds } from "./home.ts"
import type { Installed } from "./install.ts"
import { type ModelRequest, newest } from "./mock/requests.ts"
import { type Mock, startMock } from "./mock/server.ts"
import { eventually, killAll, openTerminal, processesOf, type Terminal } from "./terminal.ts"

// A workspace in a home of its own, a model of our own, and Reprise as a person runs it: by its scripts.

const root = fileURLToPath(new URL("../../", import.meta.url))
const loader = join(root, "node_modules/tsx/dist/loader.mjs")

let built: string | null = null

/** From here on verbs run by the command as it is installed, which starts in a fraction of the time of a script. */
export const useCommand = (path: string): void => {
  built = path
}

const wordsOf = (verb: string, byScript: boolean): ReadonlyArray<string> =>
  built === null || byScript
    ? ["--conditions=source", "--import", loader, join(root, "scripts", `${verb}.ts`)]
    : [built, verb]

const optional = Schema.optionalWith

const Session = Schema.Struct({
  id: Schema.String,
  transcript: Schema.NullOr(Schema.String),
  capturedVia: Schema.String,
  confidence: Schema.String
})

/** An agent of a document, as far as the checks look at it. */
const Agent = Schema.Struct({
  id: Schema.String,
  provider: Schema.String,
  status: optional(Schema.String, { default: () => "" }),
  evidence: optional(Schema.String, { default: () => "" }),
  generation: optional(Schema.Number, { default: () => 0 }),
  pid: optional(Schema.NullOr(Schema.Number), { default: () => null }),
  session: optional(Schema.NullOr(Session), { default: () => null }),
  decision: optional(Schema.String, { default: () => "" }),
  result: optional(Schema.NullOr(Schema.String), { default: () => null }),
  failure: optional(
    Schema.NullOr(Schema.Struct({ kind: Schema.String, retryAt: Schema.NullOr(Schema.String) })),
    { default: () => null }
  )
})
export type Agent = typeof Agent.Type

/** What a command answers with `--json`. */
export const Document = Schema.Struct({
  ok: Schema.Boolean,
  outcome: Schema.String,
  message: Schema.String,
  next: Schema.Array(Schema.String),
  agents: optional(Schema.Array(Schema.Unknown), { default: () => [] })
})

export interface Answer {
  readonly exit: number
  readonly ok: boolean
  readonly outcome: string
  readonly message: string
  readonly agents: ReadonlyArray<Agent>
  /** The whole document and what went to standard error: for sentences that are looked for. */
  readonly said: string
}

const isAgent = Schema.is(Schema.Struct({ id: Schema.String, provider: Schema.String, generation: Schema.Number }))

const answerOf = (exit: number, out: string, err: string): Answer => {
  const document = Schema.decodeUnknownSync(Schema.parseJson(Document))(out)
  const agents = document.agents.filter(isAgent).map((agent) => Schema.decodeUnknownSync(Agent)(agent))
  return { exit, ok: document.ok, outcome: document.outcome, message: document.message, agents, said: `${out}${err}` }
}

const Event = Schema.parseJson(Schema.Struct({
  position: Schema.Number,
  type: Schema.String,
  agent: optional(Schema.NullOr(Schema.String), { default: () => null }),
  step: optional(Schema.String, { default: () => "" }),
  phase: optional(Schema.String, { default: () => "" })
}))
export type Event = typeof Event.Type

export interface World {
  readonly home: Home
  readonly mock: Mock
  /** A person's own tmux, for what is started by hand. */
  readonly terminal: Terminal
  readonly write: (name: string, text: string) => string
  /** Runs a verb of Reprise with `--json` in the workspace. */
  readonly reprise: (...words: ReadonlyArray<string>) => Promise<Answer>
  /** Starts a verb and answers with its process, for checks that kill it. */
  readonly begin: (...words: ReadonlyArray<string>) => { readonly pid: number; readonly ended: Promise<Answer | null> }
  /** Runs a verb that has to succeed. */
  readonly well: (...words: ReadonlyArray<string>) => Promise<Answer>
  readonly agent: (id: string) => Promise<Agent>
  /** Waits until status says this of an agent. */
  readonly until: (id: string, status: string) => Promise<Agent>
  /** Sends a message and waits until the model was asked with it, word for word. */
  readonly tell: (id: string, text: string) => Promise<ModelRequest>
  readonly events: () => ReadonlyArray<Event>
  /** Moves the workspace to another path. */
  readonly move: (to: string) => void
  /** Copies the workspace, with all that is in it, and goes on in the copy. */
  readonly copy: (to: string) => void
  /** Kills everything with SIGKILL: agents, tmux server, commands. */
  readonly powerCut: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Compiled scripts are kept where all runs find them; nothing else is shared. */
const shareCompiled = (home: Home): void => {
  const name = `tsx-${process.getuid?.() ?? 0}`
  const shared = join(realpathSync(tmpdir()), name)
  mkdirSync(shared, { recursive: true })
  symlinkSync(shared, join(home.root, "tmp", name))
}

const open = new Set<World>()

/** Ends all that runs in any world that is still open: for a run that is interrupted. */
export const closeWorlds = async (): Promise<void> => {
  for (const world of open) await world.close()
}

export const openWorld = async (
  clis: ReadonlyArray<Installed>,
  seeds: Partial<Seeds> & {
    /** A file for what is asked of the model. */
    readonly log?: string
    /** Verbs that run by their scripts. */
    readonly scripts?: ReadonlyArray<string>
  } = {}
): Promise<World> => {
  const mock = await startMock(seeds.log === undefined ? {} : { file: seeds.log })
  const home = makeHome({ anthropic: mock.anthropic, openai: mock.openai, clis, ...seeds })
  shareCompiled(home)
  const terminal = openTerminal(home)

  const begin: World["begin"] = (verb = "", ...words) => {
    const child = spawn(
      process.execPath,
      [...wordsOf(verb, seeds.scripts?.includes(verb) ?? false), "--json", "--workspace", home.work, ...words],
      {
        cwd: home.work,
        env: { ...home.env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") },
        stdio: ["ignore", "pipe", "pipe"]
      }
    )
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk) => {
      out += String(chunk)
    })
    child.stderr.on("data", (chunk) => {
      err += String(chunk)
    })
    const ended = new Promise<Answer | null>((done, fail) => {
      child.once("error", fail)
      child.once("close", (code, signal) => {
        if (signal !== null) return done(null)
        try {
          done(answerOf(code ?? 1, out, err))
        } catch {
          fail(new Error(`${verb} answered no document: ${out}${err}`))
        }
      })
    })
    return { pid: child.pid ?? 0, ended }
  }
  const reprise: World["reprise"] = async (...words) => {
    const answer = await begin(...words).ended
    if (answer === null) throw new Error(`${words[0]} was killed.`)
    return answer
  }
  const well: World["well"] = async (...words) => {
    const answer = await reprise(...words)
    if (!answer.ok) throw new Error(`${words.join(" ").slice(0, 60)} was ${answer.outcome}: ${answer.said.slice(0, 1500)}`)
    return answer
  }
  const agent: World["agent"] = async (id) => {
    const { agents } = await well("status")
    const found = agents.find((each) => each.id === id)
    if (found === undefined) throw new Error(`There is no agent ${id}.`)
    return found
  }
  const until: World["until"] = async (id, status) => {
    let last: Agent | null = null
    return await eventually(`${id} being ${status}`, async () => {
      last = await agent(id)
      return last.status === status ? last : null
    }, { instead: () => JSON.stringify(last) })
  }
  const tell: World["tell"] = async (id, text) => {
    const before = mock.requests.all().length
    const sent = await well("send", id, text)
    if (sent.outcome !== "submitted") throw new Error(`The message was ${sent.outcome}, not submitted: ${sent.message}`)
    return await eventually(`a request with the message to ${id}`, () =>
      // A CLI may put marks of its own around what was pasted.
      mock.requests.turns().find((each) => each.number > before && newest(each).includes(text)), {
      instead: () => mock.requests.turns().slice(-3).map((each) => JSON.stringify(newest(each).slice(0, 200))).join(", ")
    })
  }
  const world: World = {
    home,
    mock,
    terminal,
    write: (name, text) => {
      const path = join(home.work, name)
      writeFileSync(path, text)
      return path
    },
    reprise,
    begin,
    well,
    agent,
    until,
    tell,
    events: () => {
      const path = join(home.work, ".reprise", "events.jsonl")
      if (!existsSync(path)) return []
      // The last line may be half written.
      return readFileSync(path, "utf8").split("\n").slice(0, -1).map((line) => Schema.decodeUnknownSync(Event)(line))
    },
    move: (to) => {
      renameSync(home.work, to)
      Object.assign(home, { work: to })
    },
    copy: (to) => {
      execFileSync("cp", ["-a", home.work, to])
      Object.assign(home, { work: to })
    },
    powerCut: async () => {
      await killAll(home)
    },
    close: async () => {
      open.delete(world)
      await killAll(home)
      await mock.close()
      home.remove()
    }
  }
  open.add(world)
  return world
}

const commandOf = (pid: number): ReadonlyArray<string> => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
  } catch {
    return []
  }
}

/** Every live process of the home that was started with this word: a session's id, a CLI's flag. */
export const processesWith = (home: Home, word: string): ReadonlyArray<number> =>
  processesOf(home).filter((pid) => commandOf(pid).includes(word))

/** The parent of a process. */
export const parentOf = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
  } catch {
    return 0
  }
}

/** All names in a directory, below it too; empty where it is not there. */
export const filesBelow = (directory: string): ReadonlyArray<string> =>
  existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: "utf8" }) : []
