// Runs before `npm test`, `npm run demo` and the like: installs the packages of the lock file when node_modules does not
// hold them. Plain JavaScript, because it is what an older Node runs before Node 26 is there.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Whether every package of the lock file is installed in its version; optional ones may be missing. */
function isInstalled() {
  const wanted = readPackages('package-lock.json')
  const present = readPackages('node_modules/.package-lock.json')
  if (wanted === undefined || present === undefined) return false
  if (!existsSync(join(root, 'node_modules/.bin/node'))) return false
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (optional && !present[path]),
  )
}

if (!isInstalled()) {
  console.error('Installing the packages of package-lock.json (npm ci) …')
  // Errors only: an older Node than the one that the packages ask for runs nothing but this installation.
  const { status } = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: root, stdio: 'inherit' })
  process.exitCode = status ?? 1
}
