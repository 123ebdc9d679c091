import { spawn } from "node:child_process"

// Loaded into a worker, this gives it a child that outlives it and its terminal, for ten minutes at most. Which one, it
// writes down.
const { REPRISE_AGENT: agent = "", REPRISE_GENERATION: generation = "", REPRISE_WORKSPACE: workspace = "" } = process.env
const file = `${workspace}/companion-${agent}-${generation}`
spawn("/bin/sh", ["-c", "trap '' HUP; echo $$ >\"$0.part\"; mv \"$0.part\" \"$0\"; exec sleep 600", file], { stdio: "ignore" })
