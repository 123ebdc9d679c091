import * as Schema from "effect/Schema"

/** What agent ids and team keys look like: they also stand in window names and file paths. */
export const namePattern = /^[a-z][a-z0-9-]{0,62}$/

/** The name of an agent, unique in its team. */
export const AgentId = Schema.String.pipe(Schema.pattern(namePattern), Schema.brand("AgentId"))
export type AgentId = typeof AgentId.Type

/** The one canonical name of a team in a workspace, resolved once at entry. */
export const TeamKey = Schema.String.pipe(Schema.pattern(namePattern), Schema.brand("TeamKey"))
export type TeamKey = typeof TeamKey.Type

/** Names one lifecycle operation; its journal is the `operation.step` events that carry it. */
export const OperationId = Schema.NonEmptyString.pipe(Schema.brand("OperationId"))
export type OperationId = typeof OperationId.Type

/** Names one attempt to start a process, decided before the process exists. */
export const SpawnToken = Schema.NonEmptyString.pipe(Schema.brand("SpawnToken"))
export type SpawnToken = typeof SpawnToken.Type

/** Counts an agent's spawns, from 1; 0 before the first. */
export const Generation = Schema.NonNegativeInt
export type Generation = typeof Generation.Type
