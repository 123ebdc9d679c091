// The modules of dist/ that others import: they hold no code and hand out an entry of the bundle (see build.ts).
import { join, posix, relative, dirname } from "node:path"
import * as esbuild from "esbuild"

/** The source that asks for vitest, which only an `import` can load and a bundle of scripts can't await. */
export const testRunner = "sdk/testing/test-runner.ts"
const handedOver = `globalThis[Symbol.for("reprise/testRunner")]`

/** The same source with the runner that `testing.mjs` imported. Were it not found, esbuild would refuse the `await`. */
export const withRunnerHandedOver = (source: string): string =>
  source.replace(/^const runner: Runner \| null = .*?\n\n/ms, `const runner: Runner | null = ${handedOver} ?? null\n\n`)

/** The names that a source file exports, its `export *` followed. */
export const exportNames = async (
  root: string,
  source: string,
  sdkNames: Readonly<Record<string, string>>
): Promise<ReadonlyArray<string>> => {
  const { metafile } = await esbuild.build({
    entryPoints: [join(root, source)],
    absWorkingDir: root,
    outdir: "unwritten",
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "warning",
    plugins: [{
      name: "own-names",
      setup: (build) => {
        build.onResolve({ filter: /^reprise(\/|$)/ }, ({ path }) => ({ path: join(root, sdkNames[path] ?? path) }))
      }
    }]
  })
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === relative(root, join(root, source)))
  return output?.exports ?? []
}

/** The text of the module `name`, a path below dist/ without its ending. */
export const facade = (name: string, names: ReadonlyArray<string>): string => {
  const up = posix.relative(dirname(name), ".")
  const load = `./${up === "" ? "" : `${up}/`}load.cjs`
  return [
    `import { createRequire } from "node:module"`,
    ...(name === "testing"
      ? [`if (process.env.VITEST) ${handedOver} = await import("@effect/vitest").catch(() => null)`]
      : []),
    `const entry = createRequire(import.meta.url)(${JSON.stringify(load)}).load(${JSON.stringify(name)})`,
    ...names.map((exported, index) => `const e${index} = entry[${JSON.stringify(exported)}]`),
    names.length === 0 ? "export {}" : `export { ${names.map((exported, index) => `e${index} as ${exported}`).join(", ")} }`,
    ""
  ].join("\n")
}
