// The worker's conversation: what was said, and the transcript that keeps it.
import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs"
import { join } from "node:path"
import { agent, exits, given, onResume, refuse, root } from "./worker-arguments.mjs"

/** @typedef {{ role: "user" | "assistant", text: string }} Told */

/** @param {string} id */
const fileOf = (id) => join(root, `${id}.jsonl`)

/** @param {string} id @returns {string | null} */
const load = (id) => {
  try {
    return readFileSync(fileOf(id), "utf8")
  } catch {
    return null
  }
}

/** @param {string} content @returns {Told[]} */
const recordsOf = (content) =>
  content.split("\n").flatMap((line) => {
    try {
      const record = JSON.parse(line)
      return (record.role === "user" || record.role === "assistant") && typeof record.text === "string" ? [record] : []
    } catch {
      return []
    }
  })

const sourceId = given.resume ?? given.fork
const source = sourceId === undefined ? null : onResume === "missing" ? null : load(sourceId)
if (sourceId !== undefined && source === null) {
  refuse(exits.missing, `No conversation found with session ID ${sourceId}.`)
}
if (given.resume !== undefined && onResume === "exit") refuse(1, "Told to exit on resume.")
export let sessionId = given.resume ?? given["session-id"] ?? (await import("node:crypto")).randomUUID()
if (given.resume === undefined && load(sessionId) !== null) {
  refuse(exits.inUse, `Session ID ${sessionId} is already in use.`)
}

/** @type {Told[]} */
export const conversation = source === null ? [] : recordsOf(source)
/**
 * The file stays open, as with real CLIs: one that was deleted from outside does not come back.
 * @type {number | null}
 */
let transcript = null
/** Whether this conversation was begun in this process, whatever it was started with. */
let began = false
export const openTranscript = () => {
  if (transcript !== null) return transcript
  mkdirSync(root, { recursive: true, mode: 0o700 })
  transcript = openSync(fileOf(sessionId), "a", 0o600)
  if (given.resume === undefined || began) {
    const records = [{ sessionId, cwd: process.cwd(), agent }, ...conversation]
    writeSync(transcript, records.map((record) => `${JSON.stringify(record)}\n`).join(""))
  } else if (source !== null && !source.endsWith("\n")) {
    writeSync(transcript, "\n")
  }
  return transcript
}
/** @param {"user" | "assistant"} role @param {string} text */
export const record = (role, text) => {
  const told = { role, text, at: new Date().toISOString() }
  // Opened first: a file begun now takes over what was said before, and this comes after it.
  const file = openTranscript()
  conversation.push(told)
  writeSync(file, `${JSON.stringify(told)}\n`)
}
export const loseTranscript = () => unlinkSync(fileOf(sessionId))
/** Leaves the conversation and begins another. @param {boolean} atOnce whether its transcript appears now */
export const beginAnother = async (atOnce) => {
  const { randomUUID } = await import("node:crypto")
  if (transcript !== null) closeSync(transcript)
  transcript = null
  conversation.length = 0
  sessionId = randomUUID()
  began = true
  if (atOnce) openTranscript()
}
/** Leaves the conversation and goes on with an earlier one; whether there is one. @param {string} id */
export const enter = (id) => {
  const content = load(id)
  if (content === null) return false
  if (transcript !== null) closeSync(transcript)
  conversation.length = 0
  conversation.push(...recordsOf(content))
  sessionId = id
  began = false
  transcript = openSync(fileOf(id), "a", 0o600)
  return true
}
