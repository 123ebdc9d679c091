// Copies of the project in a temporary directory, and commands run in them.
import { execFile } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, realpathSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "./sources.ts"

export const temporary = (name: string): string => realpathSync(mkdtempSync(join(tmpdir(), `reprise-${name}-`)))

/** The sources, without build and history, with the dependencies of this checkout. */
export const clone = (into: string): void => {
  for (const path of ["sdk", "plugins", "scripts", "package.json", "tsconfig.json", "vitest.config.ts"]) {
    if (existsSync(join(root, path))) cpSync(join(root, path), join(into, path), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(into, "node_modules"), "dir")
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a program without holding up the runner of the tests, which must hear from its workers. */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  cwd: string,
  env: NodeJS.ProcessEnv = process.env
): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(program, args, { cwd, env, timeout: 150_000, maxBuffer: 2 ** 26 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null
      resolve({ code, out, err })
    })
  })

/** Runs node in a directory with an environment of its own. */
export const node = (cwd: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  run(process.execPath, args, cwd, { PATH: process.env["PATH"] ?? "", HOME: cwd, TMPDIR: tmpdir(), ...env })

export const bin = (name: "tsx" | "typescript" | "vitest"): string =>
  join(root, "node_modules", { tsx: "tsx/dist/cli.mjs", typescript: "typescript/bin/tsc", vitest: "vitest/vitest.mjs" }[name])
