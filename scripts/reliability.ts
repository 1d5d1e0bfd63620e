// Runs the fault matrix and writes how long each row took to recover into docs/reliability.md.
//   npm run reliability
//   npm run reliability -- FILE   takes what a run of `npm test -- faults` has printed on this machine
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, type } from 'node:os'
import { resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const DOCUMENT = resolve(ROOT, 'docs/reliability.md')
const BEGIN = '<!-- The last column is written by `npm run reliability`. -->\n'
const END = '<!-- End of what is written. -->'
/** As `tellRecovery` of the tests writes it. */
const FIGURE = /(FM-\d\d) recovery: (\d+) ms/g
const ROW = /^\| (FM-\d\d) \|/

const [file] = process.argv.slice(2)
const output = file === undefined ? await runTests() : readFileSync(file, 'utf8')
if (!/^ℹ fail 0$/m.test(output)) {
  console.error('\nThe document is left as it is: not every test passed.')
  process.exit(1)
}
const figures = readFigures(output)
const text = readFileSync(DOCUMENT, 'utf8')
const [before = '', rest = ''] = text.split(BEGIN)
const [table = '', after = ''] = rest.split(END)
const rows = table.split('\n').filter((line) => line.startsWith('|'))
const missing = rows.flatMap((row) => ROW.exec(row)?.[1] ?? []).filter((row) => !figures.has(row))
if (missing.length > 0) {
  console.error(`\nThe document is left as it is: ${missing.join(', ')} told no figure.`)
  process.exit(1)
}
const written = [machine(), '', ...rows.map(withFigure)].join('\n')
writeFileSync(DOCUMENT, `${before}${BEGIN}\n${written}\n\n${END}${after}`)
console.log('\ndocs/reliability.md is written.')

async function runTests(): Promise<string> {
  const child = spawn(process.execPath, [resolve(ROOT, 'scripts/test.ts'), 'faults'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let collected = ''
  child.stdout.on('data', (chunk: Buffer) => {
    collected += String(chunk)
    process.stdout.write(chunk)
  })
  await once(child, 'close')
  return collected
}

function readFigures(from: string): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>()
  for (const [, row = '', ms] of from.matchAll(FIGURE)) {
    found.set(row, [...(found.get(row) ?? []), Number(ms)])
  }
  return found
}

function withFigure(line: string): string {
  const row = ROW.exec(line)?.[1]
  const told = row === undefined ? undefined : figures.get(row)
  if (told === undefined) return line
  const [least, most] = [Math.min(...told), Math.max(...told)]
  const figure = least === most ? duration(most) : `${duration(least)} – ${duration(most)}`
  return `${line.slice(0, line.lastIndexOf('|', line.length - 2))}| ${figure} |`
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`
}

function machine(): string {
  const processors = cpus()
  const [major, minor] = process.versions.node.split('.')
  return `On ${processors.length} × ${processors[0]?.model ?? 'unknown'}, Node ${major}.${minor}, ${type()}.`
}
