import { describe, expect, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Command from "@effect/platform/Command"
import * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import { makeRuntimeDirectory, runtimeDirectoryPath } from "../../sdk/plugin/host/directories.ts"
import { narrowedExecutor, narrowedFileSystem } from "../../sdk/plugin/host/narrowed-services.ts"
import { consentSentence, describeNeeds, grantedDirectories, grantedEnv } from "../../sdk/plugin/host/needs.ts"
import { temporaryDirectory } from "./world.ts"

describe("what a plugin is granted", () => {
  it("env: exactly the named variables, with a star for any ending", () => {
    const env = { GIT_DIR: "1", GIT_: "2", GITHUB_TOKEN: "secret", HOME: "/h", UNSET: undefined }
    expect(grantedEnv(env, ["GIT_*", "UNSET"])).toEqual({ GIT_DIR: "1", GIT_: "2" })
    expect(grantedEnv(env, ["HOME"])).toEqual({ HOME: "/h" })
    expect(grantedEnv(env, [])).toEqual({})
  })

  it("directories: of the home, of the workspace, absolute", () => {
    const places = { home: "/home/me", workspace: "/w" }
    expect(grantedDirectories(["~", "~/.x", "{workspace}", "{workspace}/a", "/abs", "rel"], places)).toEqual([
      "/home/me",
      "/home/me/.x",
      "/w",
      "/w/a",
      "/abs",
      "/w/rel"
    ])
  })

  it("is told to the user in one sentence, with the flag to give", () => {
    expect(describeNeeds({ executables: [], directories: [], env: [] })).toBeNull()
    const needs = describeNeeds({ executables: ["git", "ssh"], directories: ["~"], env: [] })
    expect(needs).toBe(`run "git", "ssh"; read and write in "~"`)
    const subject = { kind: "plugin" as const, path: "/p", digest: "0".repeat(64), grants: [needs ?? ""], covers: ["p"] }
    expect(consentSentence("./my plugin.ts", "you have not consented to it", subject)).toMatch(/--allow-plugin '\.\/my plugin\.ts', or --trust 0{64} /)
  })
})

describe("the narrowed executor", () => {
  const narrowed = (executables: ReadonlyArray<string>, env: Record<string, string> = {}) =>
    Effect.map(CommandExecutor.CommandExecutor, (executor) =>
      narrowedExecutor(executor, { plugin: "p", executables, env: { PATH: process.env["PATH"] ?? "", ...env } }))

  it.scopedLive("runs the named programs and no others", () =>
    Effect.gen(function*() {
      const executor = yield* narrowed(["echo", "cat"])
      expect(yield* executor.string(Command.make("echo", "hello"))).toBe("hello\n")
      const toCat = Command.make("echo", "piped").pipe(Command.pipeTo(Command.make("cat")))
      expect(yield* executor.string(toCat)).toBe("piped\n")
      const env = yield* Effect.flip(executor.string(Command.make("env")))
      expect(env).toMatchObject({ reason: "PermissionDenied", pathOrDescriptor: "env" })
      expect(env.message).toMatch(/needs\.executables name \(echo, cat\)/)
      const absolute = yield* Effect.flip(executor.string(Command.make("/bin/echo", "x")))
      expect(absolute).toMatchObject({ reason: "PermissionDenied" })
      const piped = Command.make("echo", "x").pipe(Command.pipeTo(Command.make("env")))
      expect(yield* Effect.flip(executor.string(piped))).toMatchObject({ pathOrDescriptor: "env" })
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("uses no shell", () =>
    Effect.gen(function*() {
      const executor = yield* narrowed(["echo"])
      const inShell = Command.make("echo", "x").pipe(Command.runInShell(true))
      expect(yield* Effect.flip(executor.string(inShell))).toMatchObject({ reason: "PermissionDenied" })
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("hands on what was granted, and what the command sets", () =>
    Effect.gen(function*() {
      process.env["REPRISE_TEST_SECRET"] = "secret"
      yield* Effect.addFinalizer(() => Effect.sync(() => delete process.env["REPRISE_TEST_SECRET"]))
      const executor = yield* narrowed(["env"], { GRANTED: "yes" })
      const lines = yield* executor.lines(Command.make("env").pipe(Command.env({ OWN: "set" })))
      const names = lines.map((line) => line.split("=")[0])
      expect(new Set(names)).toEqual(new Set(["GRANTED", "OWN", "PATH"]))
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("the narrowed file system", () => {
  const world = Effect.gen(function*() {
    const root = yield* temporaryDirectory
    const inside = Path.join(root, "inside")
    const outside = Path.join(root, "outside")
    const temporary = Path.join(root, "temporary")
    for (const directory of [inside, outside, temporary]) Fs.mkdirSync(directory)
    Fs.writeFileSync(Path.join(outside, "secret"), "secret")
    const fs = narrowedFileSystem(yield* FileSystem.FileSystem, {
      plugin: "p",
      directories: [inside, temporary],
      temporary
    })
    return { fs, inside, outside, temporary }
  })
  const denied = { reason: "PermissionDenied", module: "FileSystem" }

  it.scopedLive("reads and writes inside", () =>
    Effect.gen(function*() {
      const { fs, inside } = yield* world
      const file = Path.join(inside, "a", "b")
      yield* fs.makeDirectory(Path.dirname(file), { recursive: true })
      yield* fs.writeFileString(file, "text")
      expect(yield* fs.readFileString(file)).toBe("text")
      expect(yield* fs.exists(Path.join(inside, "none"))).toBe(false)
      yield* fs.rename(file, `${file}2`)
      expect(yield* fs.readDirectory(Path.dirname(file))).toEqual(["b2"])
      yield* fs.remove(`${file}2`)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("refuses what is outside, however it is written", () =>
    Effect.gen(function*() {
      const { fs, inside, outside } = yield* world
      const secret = Path.join(outside, "secret")
      expect(yield* Effect.flip(fs.readFileString(secret))).toMatchObject(denied)
      expect(yield* Effect.flip(fs.readFile(`${inside}/../outside/secret`))).toMatchObject(denied)
      expect(yield* Effect.flip(fs.readDirectory(`${inside}-beside`))).toMatchObject(denied)
      expect(yield* Effect.flip(fs.writeFileString(Path.join(outside, "new"), "x"))).toMatchObject(denied)
      expect(yield* Effect.flip(fs.copyFile(secret, Path.join(inside, "copy")))).toMatchObject(denied)
      expect(yield* Effect.flip(fs.rename(secret, Path.join(inside, "moved")))).toMatchObject(denied)
      expect(yield* Effect.flip(fs.makeTempFile({ directory: outside }))).toMatchObject(denied)
      expect(Fs.readdirSync(inside)).toEqual([])
      expect(Fs.readdirSync(outside)).toEqual(["secret"])
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("follows no link out, nor makes one", () =>
    Effect.gen(function*() {
      const { fs, inside, outside } = yield* world
      const link = Path.join(inside, "link")
      expect(yield* Effect.flip(fs.symlink(outside, link))).toMatchObject(denied)
      Fs.symlinkSync(outside, link)
      Fs.symlinkSync(Path.join(outside, "not-yet"), Path.join(inside, "dangling"))
      expect(yield* Effect.flip(fs.readFileString(Path.join(link, "secret")))).toMatchObject(denied)
      expect(yield* Effect.flip(fs.writeFileString(Path.join(inside, "dangling"), "x"))).toMatchObject(denied)
      yield* fs.remove(link)
      expect(Fs.readdirSync(outside)).toEqual(["secret"])
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("puts temporary files where its own are", () =>
    Effect.gen(function*() {
      const { fs, temporary } = yield* world
      expect(Path.dirname(yield* fs.makeTempDirectory())).toBe(temporary)
      expect((yield* fs.makeTempFileScoped({ prefix: "x" })).startsWith(temporary)).toBe(true)
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("the runtime directory", () => {
  const withDirectory = Effect.map(temporaryDirectory, (root) => {
    const runtime = Path.join(root, "run")
    Fs.mkdirSync(runtime, { mode: 0o700 })
    return { root, runtime }
  })

  it.scopedLive("is in XDG_RUNTIME_DIR when that is the user's own, owner-only, one for each workspace", () =>
    Effect.gen(function*() {
      const { root, runtime } = yield* withDirectory
      const env = { XDG_RUNTIME_DIR: runtime, TMPDIR: root }
      const directory = yield* makeRuntimeDirectory("/some/workspace", env)
      expect(Path.dirname(directory)).toBe(runtime)
      expect(Fs.statSync(directory).mode & 0o777).toBe(0o700)
      expect(yield* makeRuntimeDirectory("/some/workspace", env)).toBe(directory)
      expect(yield* makeRuntimeDirectory("/another", env)).not.toBe(directory)
    }))

  it.scopedLive("is in the temporary directory when XDG_RUNTIME_DIR is open to others, missing, relative or long", () =>
    Effect.gen(function*() {
      const { root, runtime } = yield* withDirectory
      Fs.chmodSync(runtime, 0o750)
      const long = Path.join(root, "x".repeat(90))
      Fs.mkdirSync(long, { mode: 0o700 })
      for (const given of [runtime, Path.join(root, "none"), "run", long, ""]) {
        const directory = yield* runtimeDirectoryPath("/w", { XDG_RUNTIME_DIR: given, TMPDIR: root })
        expect(Path.dirname(directory)).toBe(root)
      }
      expect(Path.dirname(yield* runtimeDirectoryPath("/w", { TMPDIR: long }))).toBe("/tmp")
    }))

  it.scopedLive("is refused when others may have prepared it", () =>
    Effect.gen(function*() {
      const { root } = yield* withDirectory
      const env = { TMPDIR: root }
      const directory = yield* makeRuntimeDirectory("/w", env)
      Fs.chmodSync(directory, 0o755)
      expect((yield* Effect.flip(makeRuntimeDirectory("/w", env))).detail).toMatch(/open to others \(mode 755\)/)
      Fs.rmdirSync(directory)
      Fs.symlinkSync("/", directory)
      expect((yield* Effect.flip(makeRuntimeDirectory("/w", env))).detail).toMatch(/is not a directory/)
    }))
})
