// Light, for the entry of all verbs.

const ignored = (): void => undefined

/** Whoever reads what is shown may go away (`| head`, a closed terminal): that ends no verb in the middle of its work. */
export const outlastReaders = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners("error").includes(ignored)) stream.on("error", ignored)
  }
}
