#!/usr/bin/env node
"use strict"
const { load } = require("../load.cjs")

// A cache for each verb, so that `status` does not read what only `restart` needs.
const verb = process.argv[2] ?? ""
const command = load("command", /^[a-z]{2,12}$/.test(verb) ? verb : "command")
if (typeof command["main"] !== "function") throw new Error("This build of Reprise has no command. Install it again.")
command["main"]()
