#!/usr/bin/env node
import { createProcessContext } from './cli/process-context.ts'
import { runProgram } from './cli/program.ts'

process.exitCode = await runProgram(
  process.argv.slice(2),
  createProcessContext(() => import('./app.ts')),
)
