// The tools of a team file. Names of Claude Code's own narrow its set to these; the neutral names of TEAM.md files take
// away what they leave out.

const neutral: Readonly<Record<string, ReadonlyArray<string>>> = {
  execute_bash: ["Bash"],
  fs_read: ["Read"],
  fs_write: ["Edit", "Write", "NotebookEdit"],
  fs_list: ["Glob", "Grep"]
}

const isNeutral = (name: string): boolean => /^[a-z]+(_[a-z]+)*$/.test(name)

/** The flags for an agent's tools; each rule is a word of its own, so that blanks and commas in it stay. */
export const toolWords = (
  tools: ReadonlyArray<string>,
  options: { readonly allowTools?: ReadonlyArray<string> | undefined; readonly denyTools?: ReadonlyArray<string> | undefined }
): ReadonlyArray<string> => {
  const own = tools.filter((name) => !isNeutral(name))
  const denied = tools.some(isNeutral)
    ? Object.entries(neutral).flatMap(([name, natives]) => tools.includes(name) ? [] : natives)
      .filter((name) => !own.includes(name))
    : []
  return [
    ...(own.length > 0 && denied.length === 0 ? ["--tools", own.join(",")] : []),
    ...(options.allowTools ?? []).flatMap((rule) => ["--allowedTools", rule]),
    ...[...denied, ...options.denyTools ?? []].flatMap((rule) => ["--disallowedTools", rule])
  ]
}
