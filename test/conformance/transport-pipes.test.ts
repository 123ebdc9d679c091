import { transportOf, transportSuite } from "reprise/testing"
import plugin from "../outsiders/transports/pipes.ts"

transportSuite("pipes (written by an outsider)", transportOf(plugin, "pipes"))
