export { type LiveProvider, ProviderCheckFailed, type ProviderCheck, type ProviderSuiteOptions } from "./provider-check.ts"
export { providerChecks, providerOf } from "./provider-checks.ts"
export { eventually, openProviderTerminal, type ProviderTerminal } from "./provider-terminal.ts"
export { providerSuite } from "./providerSuite.ts"
