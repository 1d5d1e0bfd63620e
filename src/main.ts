#!/usr/bin/env node
import { createProcessContext } from './cli/process-context.ts'
import { runProgram } from './cli/program.ts'

const context = createProcessContext(() => import('./app.ts'))
// Timers of the product keep no process alive; while a command waits for one, this does.
setInterval(() => {}, 2 ** 30)
process.exit(await runProgram(process.argv.slice(2), context))
