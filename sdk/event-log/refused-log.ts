import type { LogVerdict } from "../domain/log-verdict.ts"
import { EventLogError } from "./errors.ts"

type Refused = Extract<LogVerdict, { readonly _tag: "Copied" | "RolledBack" | "Lost" }>

const sentence = (verdict: Refused): string => {
  switch (verdict._tag) {
    case "RolledBack":
      return `The log of this workspace is older than what was recorded after it: it ends at position ${verdict.position}, and ` +
        `${verdict.evidence.join("; ")}. A checkout, a stash or a restored file may have put it back. ` +
        "Agents may run that it does not know. Nothing was stopped, started or typed. " +
        "Put the newer file back, or bring the log forward: reprise recover."
    case "Copied":
      return verdict.certain
        ? `This workspace is a copy of ${verdict.original}, and its agents belong to the original. ` +
          "Nothing was stopped, started or typed. Work in the original, or start a separate team here: reprise up --as-new."
        : `The log of this workspace was made for ${verdict.original}, and whether that is still its workspace could not be read. ` +
          `Nothing was stopped, started or typed. Make ${verdict.original} readable, or start a separate team here: reprise up --as-new.`
    case "Lost":
      return `The log of this workspace is lost or empty, but teams ran here: ${verdict.evidence.join("; ")}. ` +
        "Nothing was stopped, started or typed, and no team was started afresh. Put your copy back, or rebuild the log: reprise recover."
  }
}

/** The error with which a log that is not the current state refuses to be acted on. */
export const refusedLog = (verdict: Refused, operation: string, file: string | null): EventLogError =>
  new EventLogError({
    operation,
    reason: verdict._tag,
    detail: sentence(verdict),
    file,
    ...verdict._tag === "Copied" ? { original: verdict.original } : { evidence: verdict.evidence }
  })
