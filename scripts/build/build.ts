// `npm run build [-- OUTDIR [--entry NAME=FILE]]` writes dist/, what the package ships. `--entry` adds an
// entry to the bundle, such as a test program that uses internal modules.
//
// All code of the SDK, the built-in plugins and the command becomes one CommonJS file, `reprise.cjs`, whose entries
// start lazily. The modules that others import (`index.mjs`, `plugin.mjs`, `plugins/…/index.mjs`) hold no code: they
// hand out the exports of an entry. Why so, and not ES modules over shared chunks:
// - one instance: the command, a policy that imports `reprise` and every plugin see the same SDK and the same Effect;
// - one code cache: V8's works for scripts and not, in Node 20, for ES modules. The command needs it, and a user's
//   script under tsx profits as much;
// - one module for tsx to resolve, where each further one costs it milliseconds.
// The price: a bundler cannot look into `reprise`. Keep it external.
import { spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as esbuild from "esbuild"
import { exportNames, facade, testRunner, withRunnerHandedOver } from "./facade.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const { positionals: [outName = "dist"], values: asked } = parseArgs({
  allowPositionals: true,
  options: { entry: { type: "string", multiple: true } }
})
const out = resolve(root, outName)

const files = (folder: string): ReadonlyArray<string> =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    : []

const sdkNames: Readonly<Record<string, string>> = {
  "reprise": "sdk/index.ts",
  "reprise/plugin": "sdk/plugin/index.ts",
  "reprise/testing": "sdk/testing/index.ts"
}

/** What others import: the name of the module in dist/, without its ending, and its source. */
const modules: Readonly<Record<string, string>> = {
  index: "sdk/index.ts",
  plugin: "sdk/plugin/index.ts",
  testing: "sdk/testing/index.ts",
  ...Object.fromEntries(
    files("plugins")
      .filter((file) => /^plugins\/\w+\/[^/]+\/index\.ts$/.test(file))
      .map((file) => [file.replace(/\.ts$/, ""), file])
  )
}

/** Native code, and what only makes sense from its own directory. */
const external = ["better-sqlite3", "@lydell/node-pty", "@xterm/headless", "@parcel/watcher", "msgpackr-extract", "tsx", "esbuild"]

/** `import "reprise"` in a plugin is our own source; a file of ours that asks where it is, is told its place in dist/. */
const house: esbuild.Plugin = {
  name: "house",
  setup: (build) => {
    build.onResolve({ filter: /^reprise(\/|$)/ }, ({ path }) => {
      const source = sdkNames[path]
      return source === undefined
        ? { errors: [{ text: `"${path}" is no module of Reprise's.` }] }
        : { path: join(root, source) }
    })
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const file = relative(root, path)
      if (file.startsWith("..") || file.includes("node_modules")) return undefined
      const place = file.startsWith("plugins/") ? file.replace(/\.ts$/, ".mjs") : basename(file).replace(/\.ts$/, ".mjs")
      if (/String\.raw`[^`]*[^\0-\x7f]/.test(readFileSync(path, "utf8"))) {
        return { errors: [{ text: `${file}: String.raw with a character beyond ASCII would be escaped by the build.` }] }
      }
      const source = file === testRunner ? withRunnerHandedOver(readFileSync(path, "utf8")) : readFileSync(path, "utf8")
      return { loader: "ts", contents: source.replaceAll("import.meta.url", `reprisePlace(${JSON.stringify(place)})`) }
    })
  }
}

/** What is inside the bundle is imported by now; each `import()` left goes out of it, through the loader. */
const throughLoader = (text: string): string => text.replaceAll(/(?<![\w$.])import\(/g, "repriseImport(")

/** The loader reads a byte a character, and esbuild escapes strings but not the literals of regular expressions. */
const ascii = (text: string): string =>
  text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

const entries: Readonly<Record<string, string>> = {
  ...modules,
  command: "scripts/reprise.ts",
  ...Object.fromEntries((asked.entry ?? []).map((entry) => {
    const [name = "", file = ""] = entry.split("=", 2)
    return [name, file]
  }))
}

const bundle = async (): Promise<esbuild.Metafile> => {
  const lines = Object.entries(entries)
    .filter(([, source]) => existsSync(join(root, source)))
    .map(([name, source]) => `exports[${JSON.stringify(name)}] = () => require("./${source}")`)
  const { metafile, outputFiles } = await esbuild.build({
    stdin: { contents: lines.join("\n"), resolveDir: root, sourcefile: "entries.cjs", loader: "js" },
    outfile: join(out, "reprise.cjs"),
    absWorkingDir: root,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20.19",
    minify: true,
    keepNames: true,
    charset: "ascii",
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning",
    external,
    // The sources of dependencies that ship both come as ES modules, whose unused parts fall away.
    mainFields: ["module", "main"],
    define: { "process.env.REPRISE_BUILD": `"1"`, "import.meta.url": "repriseBundle" },
    banner: {
      js: `const reprisePlace=(place)=>require("node:url").pathToFileURL(require("node:path").join(__dirname,place)).href,`
        + `repriseBundle=reprisePlace("reprise.cjs");`
    },
    plugins: [house]
  })
  mkdirSync(out, { recursive: true })
  for (const { path, text } of outputFiles) writeFileSync(path, ascii(throughLoader(text)))
  return metafile
}

/** The licences of what went into the bundle. */
const notices = (metafile: esbuild.Metafile): string => {
  const names = Object.keys(metafile.inputs).flatMap((input) => /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? [])
  return [...new Set(names)].sort().map((name) => {
    const directory = join(root, "node_modules", name)
    const license = readdirSync(directory).find((file) => /^licen[cs]e/i.test(file))
    return `${name}\n\n${license === undefined ? "See its package." : readFileSync(join(directory, license), "utf8").trim()}\n`
  }).join(`\n${"-".repeat(80)}\n\n`)
}

const copy = (from: string, to: string): void => {
  mkdirSync(dirname(join(out, to)), { recursive: true })
  copyFileSync(join(root, from), join(out, to))
}

rmSync(out, { recursive: true, force: true })
const metafile = await bundle()
for (const [name, source] of Object.entries(modules)) {
  const names = await exportNames(root, source, sdkNames)
  mkdirSync(dirname(join(out, name)), { recursive: true })
  writeFileSync(join(out, `${name}.mjs`), facade(name, names))
}
// Workers and the like run from a file of their own.
for (const file of [...files("plugins"), ...files("sdk")]) {
  if (/\.(ts|md)$/.test(file)) continue
  copy(file, file.startsWith("plugins/") ? file : basename(file))
}
copy("scripts/build/launcher/load.cjs", "load.cjs")
copy("scripts/build/launcher/reprise.cjs", "bin/reprise.cjs")
chmodSync(join(out, "bin/reprise.cjs"), 0o755)
writeFileSync(join(out, "THIRD-PARTY.txt"), notices(metafile))

const types = spawnSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--outDir", join(out, "types")],
  { cwd: root, stdio: "inherit" }
)
process.exitCode = types.status ?? 1
