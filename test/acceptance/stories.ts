import type { Claims } from "./claims.ts"
import type { Installed } from "./install.ts"
import { adopt } from "./stories/adopt.ts"
import { approval } from "./stories/approval.ts"
import { changed } from "./stories/changed.ts"
import { halfway } from "./stories/halfway.ts"
import { mixed } from "./stories/mixed.ts"
import { moved } from "./stories/moved.ts"
import { own } from "./stories/own.ts"
import { conversations, starts, troubles } from "./stories/refusals.ts"
import { team } from "./stories/team.ts"
import { texts } from "./stories/texts.ts"

/** A story checks claims about one CLI; the others that are installed may take part. */
export interface Story {
  readonly name: string
  readonly run: (claims: Claims, installed: ReadonlyArray<Installed>) => Promise<void>
}

export const stories: ReadonlyArray<Story> = [
  { name: "team", run: team },
  { name: "texts", run: texts },
  { name: "own", run: own },
  { name: "approval", run: approval },
  { name: "changed", run: changed },
  { name: "adopt", run: adopt },
  { name: "moved", run: moved },
  { name: "halfway", run: halfway },
  { name: "conversations", run: conversations },
  { name: "starts", run: starts },
  { name: "troubles", run: troubles },
  { name: "mixed", run: mixed }
]
