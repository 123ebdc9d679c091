// Records the screens of a real CLI anew: `npx tsx --conditions=source test/acceptance/record-screens.ts claude|codex [NAME…]`.
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { cliNames, isCliName } from "./pins.ts"

const [name = "", ...asked] = process.argv.slice(2)
if (isCliName(name)) {
  const script = fileURLToPath(new URL(`./record-${name}-screens.ts`, import.meta.url))
  process.exitCode = spawnSync(process.execPath, [...process.execArgv, script, ...asked], { stdio: "inherit" }).status ?? 1
} else {
  process.stderr.write(`Usage: npx tsx --conditions=source test/acceptance/record-screens.ts ${cliNames.join("|")} [NAME…]\n`)
  process.exitCode = 2
}
