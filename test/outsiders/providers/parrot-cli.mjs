#!/usr/bin/env node
// The CLI of the sample provider: `parrot-cli talk --new=ID | --again=ID --perch=DIR`.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const [verb, ...rest] = process.argv.slice(2)
/** @type {Record<string, string>} */
const options = {}
for (let at = 0; at < rest.length; at += 1) {
  const [, name, value] = /^--([a-z]+)(?:=([^]*))?$/.exec(rest[at] ?? "") ?? process.exit(64)
  options[name ?? ""] = value ?? rest[at += 1] ?? process.exit(64)
}
const { again, new: fresh, perch } = options
const id = again ?? fresh
if (verb !== "talk" || id === undefined || perch === undefined) process.exit(64)

const directory = join(perch, ".parrot", "talks")
const file = join(directory, `${id}.talk`)
if (again !== undefined && !existsSync(file)) {
  console.log("I don't know this talk.")
  process.exit(9)
}
mkdirSync(directory, { recursive: true })
/** @param {unknown} record */
const note = (record) => appendFileSync(file, `${JSON.stringify(record)}\n`)
if (again === undefined) note({ talk: { id, cwd: process.cwd() } })

let draft = ""
let caged = true
let squawking = false
const show = (line = caged ? "Open the cage? [y/N]" : `perch> ${draft === "" ? "(say something)" : draft}`) =>
  process.stdout.write(`\r\x1b[K${line}`)

/** @param {string} words */
const answer = (words) => {
  const heard = readFileSync(file, "utf8").split("\n").filter((line) => line.includes("\"person\""))
    .map((line) => JSON.parse(line).words)
  note({ who: "person", words })
  squawking = true
  show("(squawking)")
  setTimeout(() => {
    squawking = false
    note({ who: "parrot", words: words === "recall" ? heard.join(", ") : words })
    process.stdout.write(`\r\x1b[K${words}\n`)
    show()
  }, 20)
}

process.stdin.setRawMode(true)
process.stdin.setEncoding("utf8")
process.stdin.on("data", (chunk) => {
  for (const key of String(chunk).replace(/\x1b\[20[01]~/g, "")) {
    if (caged) {
      if (key !== "y") process.exit(0)
      caged = false
    } else if (key === "\r") {
      const words = draft
      draft = ""
      if (words !== "") answer(words)
    } else if (key >= " ") {
      draft += key
    }
  }
  if (!squawking) show()
})
process.stdin.on("end", () => process.exit(0))
process.stdout.write("\x1b[?2004h")
show()
