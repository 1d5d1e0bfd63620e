import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface Program {
  /** Names under which the program may be found on PATH, best first. */
  readonly names: readonly string[]
  /** The Debian package that brings it. */
  readonly debianPackage: string
}

export const REDIS_SERVER: Program = { names: ['redis-server'], debianPackage: 'redis-server' }
export const CHROMIUM: Program = { names: ['chromium', 'chromium-browser', 'google-chrome'], debianPackage: 'chromium' }

/** Path of the program, or nothing when it is not installed. */
export function findProgram(program: Program): string | undefined {
  for (const name of program.names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined
}

/**
 * Installs what is missing with apt-get when we are root and there is one.
 * @throws {Error} whose message says what to install by hand.
 */
export function ensurePrograms(programs: readonly Program[]): void {
  const missing = programs.filter((program) => findProgram(program) === undefined)
  if (missing.length === 0) return
  const packages = missing.map((program) => program.debianPackage)
  const advice =
    `Missing: ${missing.map((program) => program.names[0]).join(', ')}. ` +
    `Install with: sudo apt-get update && sudo apt-get install --yes ${packages.join(' ')} (or your system's own way).`
  const hasApt = findProgram({ names: ['apt-get'], debianPackage: 'apt' }) !== undefined
  if (process.getuid?.() !== 0 || !hasApt) throw new Error(advice)

  console.error(`Installing ${packages.join(', ')} with apt-get …`)
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...packages]]) {
    const { status, stdout, stderr } = spawnSync('apt-get', args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}\n${advice}`)
  }
  if (missing.some((program) => findProgram(program) === undefined)) throw new Error(advice)
}
