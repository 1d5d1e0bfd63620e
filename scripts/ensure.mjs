// Runs before `npm test`, `npm run demo` and the like: installs the packages of the lock file when node_modules does not
// hold them, and sees to it that the Node that comes with them runs. Plain JavaScript, for the older Node of the system.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const node = join(root, 'node_modules/.bin/node')

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
  if (!existsSync(node)) return false
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (optional && !present[path]),
  )
}

/** Whether Node starts; a bare Debian lacks the library that Node 26 is linked to. */
function isNodeRunnable() {
  const { status, stderr } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (status === 0) return true
  console.error(stderr)
  return false
}

function installLibatomic() {
  if (process.getuid?.() !== 0) return
  console.error('Installing libatomic1 with apt-get …')
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'libatomic1']])
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
}

if (!isInstalled()) {
  console.error('Installing the packages of package-lock.json (npm ci) …')
  // Errors only: an older Node than the one that the packages ask for runs nothing but this installation.
  const { status } = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
if (!isNodeRunnable()) {
  installLibatomic()
  if (!isNodeRunnable()) {
    console.error('Node 26 does not run here. On Debian and Ubuntu: sudo apt-get install --yes libatomic1')
    process.exit(1)
  }
}
