export { type DeathPoint, dieAtStep, isDeathPoint } from "./die-at-step.ts"
export { type LiveProvider, ProviderCheckFailed, type ProviderCheck, type ProviderSuiteOptions } from "./provider-check.ts"
export { providerChecks, providerOf, testPluginServices } from "./provider-checks.ts"
export { eventually, openProviderTerminal, type ProviderTerminal } from "./provider-terminal.ts"
export { providerSuite } from "./providerSuite.ts"
export * from "./memory-fault.ts"
export * from "./memory-program.ts"
export * from "./memory-transport.ts"
export { type TransportCheck, transportChecks, transportOf } from "./transport-checks.ts"
export { TransportCheckFailed, type TransportPlace, type TransportSuiteOptions } from "./transport-ground.ts"
export { memoryUnderTest, type TransportWorld } from "./transport-world.ts"
export { transportSuite } from "./transportSuite.ts"
export {
  mutants,
  type MutantKilled,
  rules,
  type Scenario as SimulatedScenario,
  type Simulation,
  simulation,
  type SimulationFailure
} from "./simulation/simulate.ts"
