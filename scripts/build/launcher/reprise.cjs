#!/usr/bin/env node
"use strict"
// dist/bin/reprise.cjs: the `reprise` command. scripts/reprise.ts runs when it is loaded.
const path = require("node:path")
/** @type {typeof import("./load.cjs")} */
const { load } = require(path.join(__dirname, "..", "load.cjs"))

// A cache for each verb, so that `status` does not read what only `restart` needs.
const verb = process.argv[2] ?? ""
load("command", /^[a-z]{2,12}$/.test(verb) ? verb : "command")
