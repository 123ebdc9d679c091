import type { Transport } from "../plugin/PluginHost.ts"

/** A word as a shell reads it back. */
const shellWord = (word: string): string =>
  /^[\w@%+:,./=-]+$/.test(word) && !word.startsWith("=") ? word : `'${word.replaceAll("'", "'\\''")}'`

/** The line with which a user sees the agents, as it is now: a user may rename what it names. Null where there is none. */
export const attachLine = (transport: Transport): string | null =>
  transport.attachCommand?.map(shellWord).join(" ") ?? null
