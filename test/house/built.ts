// Builds of the current sources. A build starts several times faster than the sources.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { bin, run } from "./clone.ts"
import { root } from "./sources.ts"

/** The program that the kill tests start and kill. */
const child = "test/kill/child.ts"

const distOf = (box: string): string => join(box, "node_modules/reprise/dist")

/** Installs the build in a directory as `npm install reprise` would, its dependencies linked. */
const installIn = async (box: string): Promise<void> => {
  const modules = join(box, "node_modules")
  mkdirSync(join(modules, "reprise"), { recursive: true })
  for (const entry of readdirSync(join(root, "node_modules"))) {
    if (!entry.startsWith(".")) symlinkSync(join(root, "node_modules", entry), join(modules, entry))
  }
  cpSync(join(root, "package.json"), join(modules, "reprise/package.json"))
  const { err, out } = await run(process.execPath, [bin("tsx"), "scripts/build/build.ts", distOf(box), "--entry", `child=${child}`], root)
  if (!existsSync(join(distOf(box), "bin/reprise.cjs"))) throw new Error(`The command could not be built: ${out}${err}`)
  writeFileSync(join(box, "child.cjs"), `require("./node_modules/reprise/dist/load.cjs").load("child", "child")\n`)
}

const commandIn = (box: string): string => join(distOf(box), "bin/reprise.cjs")

/** The installed command in a new directory, for a test that changes the installation. */
export const installCommand = async (): Promise<{ readonly command: string; readonly remove: () => void }> => {
  const box = realpathSync(mkdtempSync(join(tmpdir(), "ri-")))
  await installIn(box)
  return { command: commandIn(box), remove: () => rmSync(box, { recursive: true, force: true }) }
}

/**
 * The build that all files of a test run share. The first file that needs it builds it in the run's temporary directory; the
 * others wait.
 */
const shared = async (): Promise<string> => {
  const directory = realpathSync(tmpdir())
  const [box, building, failure] = [join(directory, "installed"), join(directory, "installing"), join(directory, "not-installed")]
  if (existsSync(box)) return box
  try {
    mkdirSync(building)
  } catch {
    while (!existsSync(box)) {
      if (existsSync(failure)) throw new Error(readFileSync(failure, "utf8"))
      await setTimeout(50)
    }
    return box
  }
  try {
    await installIn(building)
    renameSync(building, box)
  } catch (error) {
    writeFileSync(failure, String(error))
    throw error
  }
  return box
}

/** The command of the shared build: a program for `node`. */
export const builtCommand = async (): Promise<string> => commandIn(await shared())

/** The child of the kill tests, of the shared build: a program for `node`. */
export const builtChild = async (): Promise<string> => join(await shared(), "child.cjs")

/** Environment that lets all homes of a test run share the code cache of the build. */
export const compileCache = (): Readonly<Record<string, string>> => ({ REPRISE_CACHE_DIR: join(tmpdir(), "compile-cache") })
