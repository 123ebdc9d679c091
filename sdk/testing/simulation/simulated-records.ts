import * as Effect from "effect/Effect"
import { basename } from "node:path"
import type { ProcessRef } from "../../plugin/process-table.ts"
import type { ProviderDriver } from "../../plugin/provider-driver.ts"
import { program, type ProviderKind } from "./simulated-cli.ts"

// What the processes of a CLI of the simulated world leave on its machine, and what its driver reads of that.

/** What the machine's processes leave of the conversations that they are in: these records outlive them. */
export interface ProcessRecords {
  readonly of: (process: ProcessRef) => { readonly session: string; readonly transcript: string | null } | null
  readonly holders: (session: string) => ReadonlyArray<ProcessRef>
}

/** The driver of a CLI whose processes leave records, on a machine where people start it, too. */
export const withRecords = (driver: ProviderDriver, name: string, { session }: ProviderKind, records: ProcessRecords): ProviderDriver => {
  const tells = session === "assigned" || session === "reported"
  return {
    ...driver,
    ...tells
      ? {
        processEvidence: (process) => {
          const found = records.of(process)
          return Effect.succeed(found && { sessionId: found.session, transcript: found.transcript, state: null, evidence: `Process ${process.pid} says so.` })
        }
      }
      : {},
    sessionHolders: (_agent, id) =>
      Effect.succeed(records.holders(id).map((process) => ({ ...process, evidence: `Process ${process.pid} has it open.` }))),
    recognise: (process) => {
      const [command, , , directory = "", permissions] = process.argv
      if (command !== program || basename(directory) !== name) return Effect.succeed(null)
      const found = tells ? records.of(process) : null
      return Effect.succeed({
        sessionId: found?.session ?? null,
        transcript: found?.transcript ?? null,
        cwd: process.cwd ?? "/",
        model: null,
        permissions: permissions === undefined || permissions === "-" ? null : permissions,
        options: {},
        env: {},
        evidence: found === null ? "It keeps no record." : `Process ${process.pid} says so.`
      })
    }
  }
}
