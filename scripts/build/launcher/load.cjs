"use strict"
// Loads the bundle, `reprise.cjs` beside this file, once a process, through V8's code cache: what was compiled in an
// earlier run is read back instead of compiled again. Node 20 has no compile cache of its own.
//
// A cache holds what one kind of run needed ("status", "library") and belongs to one build and one V8. It is written
// when such a run ends; wrong usage, exit 2, leaves none, for its verb may be a slip of the pen. Cached code is code: it
// is read only from a file that is the user's own and that nobody else may write. Where nothing can be read or written,
// the bundle is compiled, and all works as well.
const { createHash } = require("node:crypto")
const fs = require("node:fs")
const os = require("node:os")
const path = require("node:path")
const vm = require("node:vm")

const file = path.join(__dirname, "reprise.cjs")
const stampBytes = 32
const uid = process.getuid?.()

/** @param {string} kind */
const cacheFile = (kind) => {
  const base = process.env["REPRISE_CACHE_DIR"] ?? path.join(process.env["XDG_CACHE_HOME"] || path.join(os.homedir(), ".cache"), "reprise")
  const build = createHash("sha256").update(`${file}\0${process.version}\0${process.arch}`).digest("hex").slice(0, 16)
  return path.join(base, `${build}-${kind}.v8`)
}

/** @param {string} target @param {Buffer} stamp */
const read = (target, stamp) => {
  try {
    const { mode, uid: owner } = fs.statSync(target)
    if (uid !== undefined && (owner !== uid || (mode & 0o022) !== 0)) return undefined
    const bytes = fs.readFileSync(target)
    return bytes.subarray(0, stampBytes).equals(stamp) ? bytes.subarray(stampBytes) : undefined
  } catch {
    return undefined
  }
}

/** @param {string} target @param {Buffer} stamp @param {Buffer} code */
const write = (target, stamp, code) => {
  const draft = `${target}.${process.pid}`
  try {
    const directory = path.dirname(target)
    // Not `recursive`: node never returns from it where a file system answers "no such file", as /proc does.
    for (const each of [path.dirname(directory), directory]) if (!fs.existsSync(each)) fs.mkdirSync(each, { mode: 0o700 })
    fs.writeFileSync(draft, Buffer.concat([stamp, code]), { mode: 0o600, flag: "wx" })
    fs.renameSync(draft, target)
  } catch {
    try {
      fs.rmSync(draft, { force: true })
    } catch {
      // Nothing was written, or nothing can be removed: the next run compiles again.
    }
  }
}

/** @type {Record<string, () => Record<string, unknown>> | undefined} */
let entries

// A script has no `import()` of its own: the build made each of them a call of this.
/** @param {string} specifier */
const importModule = (specifier) => import(specifier)

/** @param {string} kind */
const compile = (kind) => {
  const { size, mtimeMs } = fs.statSync(file)
  const stamp = createHash("sha256").update(`${size}\0${mtimeMs}`).digest()
  const target = cacheFile(kind)
  const cachedData = read(target, stamp)
  // The bundle is ASCII: one byte a character is read fastest and kept smallest.
  const source = `(function (exports, require, __dirname, repriseImport) {${fs.readFileSync(file, "latin1")}\n})`
  const script = new vm.Script(source, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) })
  if (cachedData === undefined || script.cachedDataRejected === true) {
    process.once("exit", (code) => {
      if (code === 0 || code === 1) write(target, stamp, script.createCachedData())
    })
  }
  entries = {}
  script.runInThisContext()(entries, require, __dirname, importModule)
  return entries
}

/**
 * The exports of one entry of the bundle.
 * @param {string} entry
 * @param {string} [kind] of run, as the cache is named
 */
exports.load = (entry, kind = "library") => {
  const all = entries ?? compile(kind)
  const make = all[entry]
  if (make === undefined) throw new Error(`This build of Reprise has no entry "${entry}". Install it again.`)
  return make()
}
