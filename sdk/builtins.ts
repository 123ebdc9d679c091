// Where the built-in plugins lie: addresses, not imports. The host loads them like anybody's.

const built = process.env["REPRISE_BUILD"] === "1"

const at = (kind: "providers" | "transports", name: string): string =>
  new URL(`${built ? "./" : "../"}plugins/${kind}/${name}/index.${built ? "mjs" : "ts"}`, import.meta.url).href

/** The short names of the built-in plugins, and the addresses of their modules. */
export const builtins: Readonly<Record<string, string>> = {
  claude: at("providers", "claude"),
  fake: at("providers", "fake"),
  codex: at("providers", "codex"),
  tmux: at("transports", "tmux"),
  pty: at("transports", "pty"),
  memory: at("transports", "memory")
}
