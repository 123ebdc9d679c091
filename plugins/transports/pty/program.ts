import { accessSync, constants, statSync } from "node:fs"
import { delimiter, resolve } from "node:path"
import type { SpawnRequest } from "reprise/plugin"

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const isDirectory = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Where a program is: a name without a slash is looked up on the PATH of the agent's own environment. */
export const findProgram = (name: string, cwd: string, path: string | undefined): string | null => {
  if (name.includes("/")) return isProgram(resolve(cwd, name)) ? name : null
  const places = (path ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter)
  return places.map((place) => resolve(cwd, place, name)).find(isProgram) ?? null
}

export type Startable =
  | { readonly file: string; readonly args: ReadonlyArray<string> }
  | { readonly refused: string }

/** What to execute for a request, or the sentence that says why it can't be. A fork would only fail inside the child. */
export const startable = ({ argv, cwd, env }: SpawnRequest): Startable => {
  const [name, ...args] = argv
  if (name === undefined || name === "") return { refused: "There is no program to start: the argv is empty." }
  const texts = [...argv, cwd, ...Object.entries(env).flat()]
  if (texts.some((text) => text.includes("\0"))) {
    return { refused: `${name} was not started: a NUL can't be passed in an argument, a path or a variable.` }
  }
  if (Object.keys(env).some((key) => key === "" || key.includes("="))) {
    return { refused: `${name} was not started: the name of a variable is empty or holds "=".` }
  }
  if (!isDirectory(cwd)) return { refused: `${name} was not started: there is no directory ${cwd}.` }
  const file = findProgram(name, cwd, env["PATH"])
  return file === null ? { refused: `There is no program ${name} to start.` } : { file, args }
}
