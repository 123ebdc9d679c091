import { accessSync, constants, statSync } from "node:fs"
import { delimiter, isAbsolute, resolve } from "node:path"
import type { SpawnRequest } from "./transport-driver.ts"

const isExecutableFile = (path: string): boolean => {
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

/** Where a program is: a name without a slash is looked up on the PATH, as `execvp` does; null where it is not. */
export const findExecutable = (name: string, cwd: string, path: string | undefined): string | null => {
  if (name.includes("/")) return isExecutableFile(resolve(cwd, name)) ? name : null
  const places = (path ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter)
  return places.map((place) => resolve(cwd, place, name)).find(isExecutableFile) ?? null
}

/**
 * Why a spawn can't be met, as a sentence; null when nothing speaks against it. For transports: looked at before anything
 * is started, because a program that can't be executed would only fail inside the child.
 */
export const spawnProblem = ({ argv, cwd, env }: SpawnRequest): string | null => {
  const [program] = argv
  if (program === undefined || program === "") return "There is no program to start: the argv is empty."
  if ([...argv, cwd, ...Object.entries(env).flat()].some((text) => text.includes("\0"))) {
    return `${program} was not started: a NUL can't be passed in an argument, a path or a variable.`
  }
  if (Object.keys(env).some((name) => name === "" || name.includes("="))) {
    return `${program} was not started: the name of a variable is empty or holds "=".`
  }
  if (!isAbsolute(cwd) || !isDirectory(cwd)) return `${program} was not started: there is no directory ${cwd}.`
  return findExecutable(program, cwd, env["PATH"]) === null
    ? `${program} was not started: it is not an executable file${program.includes("/") ? "" : " on the PATH"}.`
    : null
}
