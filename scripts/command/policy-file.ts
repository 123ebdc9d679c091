import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { pathToFileURL } from "node:url"
import { resolve } from "node:path"
import { type AnyPolicy, importModule, policyLoadWithin } from "../../sdk/index.ts"

/** The file of `--policy` holds no policy; nothing was touched. */
export class WrongUsage extends Schema.TaggedError<WrongUsage>("reprise/WrongUsage")("WrongUsage", {
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.detail} Nothing was done.`
  }
}

/**
 * Types end at `import()`: whether the grants that a loaded policy asks for are there is compared at run time, before
 * anything is touched. By that check it needs no services that the type could name.
 */
const isPolicy = (value: unknown): value is AnyPolicy<unknown, never> =>
  typeof value === "object" && value !== null &&
  "_tag" in value && (value._tag === "AgentPolicy" || value._tag === "TeamPolicy") &&
  "decide" in value && typeof value.decide === "function" &&
  "requires" in value && Array.isArray(value.requires)

/** Loads the policy that a file exports by default. */
export const loadPolicy = (file: string) =>
  Effect.gen(function*() {
    const within = yield* policyLoadWithin
    const module = yield* Effect.tryPromise({
      try: () => importModule(pathToFileURL(resolve(file)).href),
      catch: (error) => new WrongUsage({ detail: `The policy ${file} could not be loaded (${error instanceof Error ? error.message : String(error)}).` })
    }).pipe(Effect.timeoutFail({
      duration: within,
      onTimeout: () => new WrongUsage({
        detail: `The policy ${file} could not be loaded: it was not done after ${Duration.format(within)}, and may wait for something that never comes.`
      })
    }))
    const exported = typeof module === "object" && module !== null && "default" in module ? module.default : undefined
    return isPolicy(exported)
      ? exported
      : yield* new WrongUsage({ detail: `${file} has no policy as its default export.` })
  })
