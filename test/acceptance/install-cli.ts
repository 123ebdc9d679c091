// `npx tsx test/acceptance/install-cli.ts [name…]`: installs the pinned CLIs and prints where each is.
import { install } from "./install.ts"
import { cliNames, isCliName } from "./pins.ts"

const asked = process.argv.slice(2)
for (const name of asked.length === 0 ? cliNames : asked) {
  if (!isCliName(name)) {
    process.stderr.write(`There is no pinned CLI ${name}; known are ${cliNames.join(", ")}.\n`)
    process.exitCode = 2
    continue
  }
  const { executable, version } = await install(name)
  process.stdout.write(`${name}\t${version}\t${executable}\n`)
}
