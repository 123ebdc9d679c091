import type { MemoryProgram } from "./memory-program.ts"

// The program that checks of transports run, twice: as a script for processes and as a program in memory. In its
// directory it keeps `report.json` (how it was started), `draft.txt` (what was typed since the last Enter) and
// `entered.jsonl` (a line for each Enter). `exit N` and Enter ends it.

/** `family` has a child and a grandchild, which ignores what asks it to end and has a session of its own. */
export type WorkerMode = "echo" | "family" | "stubborn"

/** Says that it listens. */
export const workerReady = "ready>"

export const workerScript = String.raw`
"use strict"
const fs = require("node:fs"), path = require("node:path"), { spawn } = require("node:child_process")
const [directory, mode, ...rest] = process.argv.slice(2)
const file = (name) => path.join(directory, name)
const save = (name, text) => { fs.writeFileSync(file(name + ".new"), text); fs.renameSync(file(name + ".new"), file(name)) }
const report = (more) => save("report.json", JSON.stringify({ argv: rest, env: process.env, cwd: process.cwd(), pid: process.pid, ...more }))
const child = (role) => spawn(process.execPath, [__filename, directory, role], { detached: role === "grandchild", stdio: "ignore" })
if (mode === "child" || mode === "grandchild") {
  if (mode === "grandchild") for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) process.on(signal, () => {})
  if (mode === "child") child("grandchild")
  save(mode + ".json", JSON.stringify({ pid: process.pid }))
  setInterval(() => {}, 1000)
} else {
  if (mode === "stubborn") for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) process.on(signal, () => {})
  if (mode === "family") child("child")
  if (process.stdin.isTTY) process.stdin.setRawMode(true)
  let buffer = "", draft = "", pasting = false
  const show = (text) => process.stdout.write(text.length < 500 ? text.replace(/\n/g, "\r\n") : "[" + text.length + "]")
  const type = (text) => { if (text === "") return; draft += text; show(text) }
  const enter = () => {
    fs.appendFileSync(file("entered.jsonl"), JSON.stringify(draft) + "\n")
    const end = /^exit (\d+)$/.exec(draft)
    if (end) process.exit(Number(end[1]))
    process.stdout.write("\r\ngot " + draft.length + "\r\n${workerReady} ")
    draft = ""
  }
  const START = "\x1b[200~", END = "\x1b[201~"
  let pasted = []
  const held = (text, mark) => { for (let n = Math.min(mark.length - 1, text.length); n > 0; n--) if (mark.startsWith(text.slice(-n))) return n; return 0 }
  process.stdin.setEncoding("utf8")
  process.stdin.on("end", () => process.exit(0))
  process.stdin.on("data", (data) => {
    buffer += data
    for (;;) {
      const mark = pasting ? END : START
      const at = buffer.indexOf(mark)
      const plain = at >= 0 ? buffer.slice(0, at) : buffer.slice(0, buffer.length - held(buffer, mark))
      buffer = buffer.slice(at >= 0 ? at + mark.length : plain.length)
      if (pasting) {
        pasted.push(plain)
        if (at >= 0) { type(pasted.join("").replace(/\r\n?/g, "\n")); pasted = [] }
      } else for (const piece of plain.split(/(\r)/)) { if (piece === "\r") enter(); else type(piece) }
      if (at < 0) break
      pasting = !pasting
    }
    save("draft.txt", draft)
  })
  report({ tty: process.stdout.isTTY === true })
  process.stdout.write((process.stdout.isTTY ? "\x1b[?2004h\x1b]0;worker\x07" : "") + "${workerReady} ")
}
`

/** The same program for the world in memory; `files` stands for the disk. */
export const workerProgram = (files: Map<string, string>): MemoryProgram => (spawn, io) => {
  const [, directory = "", mode, ...rest] = spawn.argv
  let draft = ""
  const type = (text: string) => {
    draft += text
    io.write(text.length < 500 ? text : `[${text.length}]`)
    files.set(`${directory}/draft.txt`, draft)
  }
  files.set(`${directory}/report.json`, JSON.stringify({ argv: rest, env: spawn.env, cwd: spawn.cwd, pid: io.pid }))
  if (mode === "family") {
    for (const role of ["child", "grandchild"]) {
      files.set(`${directory}/${role}.json`, JSON.stringify({ pid: io.child() }))
    }
  }
  io.title("worker")
  io.write(`${workerReady} `)
  return {
    onPaste: type,
    onKey: (key) => {
      if (key !== "Enter") return type(key === "Space" ? " " : key)
      const entered = `${directory}/entered.jsonl`
      files.set(entered, `${files.get(entered) ?? ""}${JSON.stringify(draft)}\n`)
      const end = /^exit (\d+)$/.exec(draft)
      if (end !== null) return io.exit(Number(end[1]))
      io.write(`\ngot ${draft.length}\n${workerReady} `)
      draft = ""
      files.set(`${directory}/draft.txt`, draft)
    },
    onStop: () => mode === "stubborn" ? "ignores" : "ends"
  }
}
