// What the documents name is there, and what is there is named.
import { expect, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { parse } from "yaml"
import { agentKeys, teamKeys } from "../../sdk/spec/team-file-schema.ts"
import { AgentOptions } from "../../plugins/providers/fake/options.ts"
import { verb as adopt } from "../../scripts/adopt.ts"
import { verb as apply } from "../../scripts/apply.ts"
import { verb as demo } from "../../scripts/demo.ts"
import { verb as down } from "../../scripts/down.ts"
import { verb as fork } from "../../scripts/fork.ts"
import { verb as log } from "../../scripts/log.ts"
import { verb as restart } from "../../scripts/restart.ts"
import { verb as send } from "../../scripts/send.ts"
import { verb as simulate } from "../../scripts/simulate.ts"
import { verb as status } from "../../scripts/status.ts"
import { verb as supervise } from "../../scripts/supervise.ts"
import { verb as trust } from "../../scripts/trust.ts"
import { verb as up } from "../../scripts/up.ts"
import { root, sources } from "../house/sources.ts"
import { blocksOf, documents, textOf } from "./blocks.ts"

const commands = textOf("docs/commands.md")
const section = (title: string): string => {
  const [, after = ""] = commands.split(new RegExp(`^#+ ${title}$`, "m"))
  return after.split(/^#+ /m)[0] ?? ""
}
const all = (text: string, pattern: RegExp): ReadonlyArray<string> => [...new Set([...text.matchAll(pattern)].map((found) => found[1] ?? ""))].sort()
const firstCells = (text: string): ReadonlyArray<string> => all(text, /^\| `([^`]+)` \|/gm)

/** What a verb's --help says. */
const helpOf = async (verb: typeof up): Promise<string> => {
  let shown = ""
  const log = console.log
  console.log = (...words: ReadonlyArray<unknown>) => { shown += `${words.join(" ")}\n` }
  try {
    await verb.main(["--help"])
  } finally {
    console.log = log
  }
  return shown.replace(/\u001b\[[0-9;]*m/g, "")
}

it("commands.md has each option of each verb, and no other", async () => {
  const options = new Map<string, ReadonlyArray<string>>()
  for (const verb of [up, status, send, restart, apply, supervise, adopt, fork, down, log, simulate, demo, trust]) {
    const found = all(await helpOf(verb), /^(--[a-z-]+)\b/gm)
    expect(found.length, `${verb.name} --help`).toBeGreaterThan(3)
    options.set(verb.name, found)
  }
  const everywhere = (options.get("demo") ?? []).filter((name) => [...options.values()].every((found) => found.includes(name)))
  const [common = "", own = ""] = section("Options").split("| verb | option | meaning |")
  expect(all(common, /^\| `(--[a-z-]+)/gm)).toEqual(everywhere)
  const withTeam = [...options].flatMap(([name, found]) => found.includes("--team") ? [name] : []).sort()
  expect(all(/^(.*) have `--team KEY`/m.exec(common)?.[1] ?? "", /`([a-z]+)`/g)).toEqual(withTeam)
  const documented = new Map<string, Array<string>>()
  let verb = ""
  for (const line of own.split("\n")) {
    const [, named, option] = /^\| (?:`([a-z]+)`)? ?\| `(--[a-z-]+)/.exec(line) ?? []
    verb = named ?? verb
    if (option !== undefined) documented.set(verb, [...documented.get(verb) ?? [], option])
  }
  for (const [name, found] of options) {
    const special = found.filter((option) => !everywhere.includes(option) && option !== "--team")
    expect([...documented.get(name) ?? []].sort(), `${name} --help`).toEqual(special)
  }
})

it("commands.md calls the value of each option as its verb does", async () => {
  const shown = new Map<string, Set<string>>()
  for (const verb of [up, status, send, restart, apply, supervise, adopt, fork, down, log, simulate, demo, trust]) {
    for (const [, option = "", value = ""] of (await helpOf(verb)).matchAll(/^(--[a-z-]+)(?: ([^ \n.|]+))?(?:\.\.\.)?$/gm)) {
      shown.set(option, (shown.get(option) ?? new Set()).add(value))
    }
  }
  const told = new Map<string, Set<string>>()
  for (const [, option = "", value = ""] of section("Options").matchAll(/`(--[a-z-]+)(?: ([^`]+))?`(?: \||;)/g)) {
    if (shown.has(option)) told.set(option, (told.get(option) ?? new Set()).add(value))
  }
  expect(told.size).toBeGreaterThan(20)
  for (const [option, values] of told) expect([...values].sort(), `${option} in --help`).toEqual([...shown.get(option) ?? []].sort())
})

it("commands.md has each environment variable, and no other", () => {
  const variable = /\b(REPRISE_[A-Z][A-Z_]*[A-Z])\b/g
  const product = ["sdk", "plugins", "scripts"].flatMap(sources).filter(({ path }) => !path.startsWith("sdk/testing/"))
  expect(all(section("Environment variables"), variable)).toEqual(all(product.map(({ text }) => text).join("\n"), variable))
})

it("commands.md shows each key of a team file, and each option of the fake provider", () => {
  const file: unknown = parse(blocksOf("docs/commands.md").find(({ marks }) => marks.get("file") === "full.yaml")?.text ?? "")
  const keysOf = (value: unknown, ...path: ReadonlyArray<string>): ReadonlyArray<string> => {
    let inner = value
    for (const key of path) inner = typeof inner === "object" && inner !== null ? Object.getOwnPropertyDescriptor(inner, key)?.value : undefined
    return typeof inner === "object" && inner !== null ? Object.keys(inner) : []
  }
  expect([...keysOf(file)].sort()).toEqual([...teamKeys].sort())
  expect([...new Set([...keysOf(file, "defaults"), ...keysOf(file, "agents", "planner")])].sort()).toEqual([...agentKeys].sort())
  expect(firstCells(section("Options of the fake provider"))).toEqual(Object.keys(AgentOptions.fields).sort())
})

it("links lead somewhere", () => {
  const broken = documents.flatMap((document) =>
    all(textOf(document), /\]\(([^)#]+)[^)]*\)/g)
      .filter((link) => !link.includes("://") && !existsSync(join(root, dirname(document), link)))
      .map((link) => `${document}: ${link}`))
  expect(broken).toEqual([])
})

it("anchors are headings", () => {
  const broken = documents.flatMap((document) =>
    [...textOf(document).matchAll(/\]\(([^)#]*)#([^)]+)\)/g)].flatMap(([, file = "", anchor = ""]) => {
      const there = file === "" ? document : join(dirname(document), file)
      const anchors = [...textOf(there).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
        title.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-"))
      return anchors.includes(anchor) ? [] : [`${document}: ${file}#${anchor}`]
    }))
  expect(broken).toEqual([])
})
