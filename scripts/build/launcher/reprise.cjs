#!/usr/bin/env node
"use strict"
// dist/bin/reprise.cjs: the `reprise` command.
const path = require("node:path")
/** @type {typeof import("./load.cjs")} */
const { load } = require(path.join(__dirname, "..", "load.cjs"))

// A cache for each verb, so that `status` does not read what only `restart` needs.
const verb = process.argv[2] ?? ""
const { main } = load("command", /^[a-z]{2,12}$/.test(verb) ? verb : "command")
if (typeof main !== "function") throw new Error("This build of Reprise has no command. Install it again.")
main(process.argv.slice(2)).then((/** @type {number} */ code) => {
  process.exitCode = code
})
