// Runs Effect's diagnostics over the sources: `npm run types`, after tsc itself.
//
// The rules recognise `Effect.gen` and friends only where `Effect` comes from the barrel `effect`, and our sources
// never import barrels, since each costs every start. So tsc reads a copy in which `import * as Effect from
// "effect/Effect"` is `import { Effect } from "effect"`: same types, same lines, and the rules see them.
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
// Another directory with the same folders may be given: a test does, to see that the rules bite.
const sources = resolve(process.argv[2] ?? root)
const folders = ["sdk", "plugins", "scripts", "test"].filter((folder) => existsSync(join(sources, folder)))

/** The same source with Effect's modules taken from the barrel; no line moves. */
const fromBarrel = (source: string): string =>
  source.replaceAll(
    /\b(import|export)( type)? \* as (\w+) from "effect\/(\w+)"/g,
    (_, verb: string, type: string | undefined, alias: string, module: string) =>
      `${verb}${type ?? ""} { ${module === alias ? alias : `${module} as ${alias}`} } from "effect"`
  )

// The rules live in a tsc that the patch puts in place of TypeScript's own; patching again changes nothing. Not a step of
// the installation: who installs the package would be asked to approve it.
const patch = spawnSync(process.execPath, [join(root, "node_modules/@effect/tsgo/dist/effect-tsgo.cjs"), "patch", "--typescript"], {
  cwd: root,
  encoding: "utf8"
})
if (patch.status !== 0) throw new Error(`tsc could not be patched with Effect's rules: ${patch.stdout}${patch.stderr}`)

const copy = mkdtempSync(join(tmpdir(), "reprise-effect-rules-"))
try {
  for (const folder of folders) {
    cpSync(join(sources, folder), join(copy, folder), { recursive: true })
    for (const entry of readdirSync(join(copy, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue
      const file = join(entry.parentPath, entry.name)
      writeFileSync(file, fromBarrel(readFileSync(file, "utf8")))
    }
  }
  for (const file of ["package.json", "tsconfig.json"]) cpSync(join(root, file), join(copy, file))
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir")
  const tsc = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], {
    cwd: copy,
    encoding: "utf8"
  })
  if (tsc.error !== undefined) throw tsc.error
  // A type error stands in tsc's own report already.
  const found = tsc.stdout.split("\n").filter((line) => / effect\(\w+\)\s*$/.test(line))
  for (const line of found) console.log(line)
  if (found.length > 0) console.error(`${found.length} of Effect's rules are broken. See the lines above.`)
  process.exitCode = found.length > 0 ? 1 : 0
} finally {
  rmSync(copy, { recursive: true, force: true })
}
