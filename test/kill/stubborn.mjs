// Loaded into a worker, this makes it one that outlives its terminal: a hang-up does not end it.
const exit = process.exit.bind(process)
const hangup = 129
/** @param {number} code */
const stay = (code) => code === hangup ? undefined : exit(code)
Object.defineProperty(process, "exit", { value: stay })
// It stays for ten minutes at most, so that a test that was killed leaves nothing for long.
setTimeout(() => exit(0), 600_000)
