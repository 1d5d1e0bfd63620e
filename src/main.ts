#!/usr/bin/env node
import { createProcessContext } from './cli/process-context.ts'
import { runProgram } from './cli/program.ts'

const context = createProcessContext(() => import('./app.ts'))
process.exit(await runProgram(process.argv.slice(2), context))
