// Packages with compiled code: what is wrong with their installation, by what Node says when it loads them. Pure.

/** What is wrong with the installation of a package, and the command that repairs it. */
export interface InstallationProblem {
  /** A sentence. */
  readonly detail: string
  readonly command: string
}

const textOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const code = "code" in cause ? String(cause.code) : ""
  return `${code} ${cause.message}${cause.cause instanceof Error ? ` ${textOf(cause.cause)}` : ""}`
}

const whyOf = (name: string, said: string): string | null => {
  if (/NODE_MODULE_VERSION|compiled against a different Node/.test(said)) {
    return `its compiled part was built for another version of Node than ${process.version}`
  }
  if (/Could not locate the bindings file|could not find the binary package/.test(said)) {
    return "its compiled part is missing, as after an install without install scripts, without optional packages or without a compiler"
  }
  if (/does not support your platform/.test(said)) return `it has no compiled part for ${process.platform}-${process.arch}`
  if (/MODULE_NOT_FOUND|Cannot find (module|package)/.test(said) && said.includes(name)) return "it is not installed"
  if (/GLIBC|GLIBCXX|libstdc\+\+|symbol not found|undefined symbol/.test(said)) return "its compiled part was built for other system libraries"
  if (/ELF|mach-o|Win32|ERR_DLOPEN_FAILED|file too short|cannot open shared object|dlopen/i.test(said)) {
    return `its compiled part can't be loaded on ${process.platform}-${process.arch}: it is damaged, or was built for another architecture`
  }
  return null
}

/** What is wrong with the installation of this package; null where the failure is of another kind. */
export const installationProblem = (name: string, cause: unknown): InstallationProblem | null => {
  const said = textOf(cause)
  const why = whyOf(name, said)
  if (why === null) return null
  const scope = name.split("/")[0] ?? name
  const [, place] = new RegExp(`(/[^\\n'"]*?)/node_modules/${scope}[/-]`).exec(said) ?? []
  const command = why === "it is not installed"
    ? `npm install ${name}`
    : `npm rebuild ${name}${/is missing/.test(why) ? " --ignore-scripts=false" : ""}`
  return { detail: `The installation of Reprise is broken: of the package ${name}, ${why}.`, command: place === undefined ? command : `${command} --prefix ${place}` }
}
