import { assert, describe, it } from "@effect/vitest"
import type { LaunchContext } from "../../sdk/domain/team.ts"
import { fold } from "../../sdk/event-log/fold.ts"
import { agentOf, type AgentState, type TeamState } from "../../sdk/event-log/TeamState.ts"
import { driftOf, specForSpawn } from "../../sdk/session/launch-context.ts"
import { mayBeWider, meantPermissions, type Modes, nextPermissions } from "../../sdk/session/permissions.ts"
import { providerAgentOf } from "../../sdk/session/provider-agent.ts"
import { intended, recorded, spec } from "../event-log/samples.ts"

// What one CLI ran with means nothing to another, and two names of one mode are one mode.

const codex: Modes = { permissionModes: ["read-only", "workspace-write", "bypass"], defaultPermissions: "workspace-write" }
const claude: Modes = {
  permissionModes: ["plan", "default", "acceptEdits"],
  permissionAliases: { manual: "default" },
  defaultPermissions: "default"
}

/** An agent that ran with one CLI, and is another one's by its team file. */
const changed = (then: Partial<LaunchContext>, now: { readonly provider: string; readonly permissions?: string }) => {
  const spawn = intended("alpha", "coder-1", 1)
  const of = { ...recorded("alpha"), spec: { ...recorded("alpha").spec, agents: [{ ...spec("coder-1"), permissions: null, ...now }] } }
  const state = [of, { ...spawn, launch_context: { ...spawn.launch_context, ...then } }].reduce<TeamState | undefined>(
    (team, event, position) => fold(team, { _tag: "Event", position, at: "2026-01-01T00:00:00.000Z", event }),
    undefined
  )
  const agent = state === undefined ? undefined : agentOf(state, "coder-1")
  if (state === undefined || agent === undefined) throw new Error("the agent is not there")
  return { team: state, agent }
}
const modeOf = (agent: AgentState, modes: Modes, mayWiden = false) => nextPermissions(agent, modes, mayWiden).mode

describe("an agent whose provider was changed", () => {
  const ran = { provider: "claude", model: "opus", permissions: "acceptEdits", configHome: "/home/ada/.claude", options: { trust: true } }

  it("has nothing of the other CLI: neither its home, nor its model, nor its options", () => {
    const { agent, team } = changed(ran, { provider: "codex" })
    const { configHome, model, options, permissions } = providerAgentOf(team, agent, "keep")
    assert.deepStrictEqual({ configHome, model, options, permissions }, { configHome: null, model: null, options: {}, permissions: null })
    assert.match(driftOf(agent, codex).join("\n"), /^provider was claude at its last start and is codex in the team file/)
  })

  it("starts with the narrowest mode unless a person starts it after a stop: modes of two CLIs can't be compared", () => {
    const { agent } = changed(ran, { provider: "codex", permissions: "bypass" })
    assert.strictEqual(modeOf(agent, codex), "read-only")
    assert.strictEqual(modeOf(agent, codex, true), "bypass")
    // The same word is not the same mode.
    assert.strictEqual(modeOf(changed({ ...ran, permissions: "bypass" }, { provider: "codex", permissions: "bypass" }).agent, codex), "read-only")
  })

  it("keeps what it ran with where the provider is the same, or an old log does not say", () => {
    for (const provider of ["claude", undefined]) {
      const { provider: _, ...rest } = ran
      const { agent, team } = changed(provider === undefined ? rest : ran, { provider: "claude" })
      assert.strictEqual(specForSpawn(agent, "keep").model, "opus")
      assert.strictEqual(providerAgentOf(team, agent, "keep").configHome, "/home/ada/.claude")
    }
  })
})

describe("two names of one mode", () => {
  it("are one mode", () => {
    assert.isFalse(mayBeWider("manual", "default", claude))
    assert.isFalse(mayBeWider("default", "manual", claude))
    assert.isTrue(mayBeWider("acceptEdits", "manual", claude))
    assert.strictEqual(meantPermissions({ permissions: "manual" }, claude), "default")
    assert.strictEqual(meantPermissions({ permissions: "toString" }, claude), "toString")
    const { agent } = changed({ provider: "claude", permissions: "manual" }, { provider: "claude", permissions: "default" })
    assert.deepStrictEqual(driftOf(agent, claude), [])
    assert.deepStrictEqual(nextPermissions(agent, claude, false), { mode: "default" })
  })
})
