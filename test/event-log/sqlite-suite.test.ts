import * as EventLogSqlite from "../../sdk/event-log/EventLogSqlite.ts"
import { newDirectory } from "./directories.ts"
import { eventLogSuite } from "./suite.ts"

eventLogSuite("EventLogSqlite", () => EventLogSqlite.layer({ directory: newDirectory() }))
