import { ObjectError } from './client.ts'
import type { ObjectLocation } from './location.ts'

/**
 * Loads an SDK that is not part of the installation.
 * @throws {ObjectError} that says what to install.
 */
export async function loadSdk<Sdk>(
  { scheme }: Pick<ObjectLocation, 'scheme'>,
  packageName: string,
  load: () => Promise<Sdk>,
): Promise<Sdk> {
  try {
    return await load()
  } catch (cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown cause'
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && String(cause).includes(`'${packageName}'`)
    throw new ObjectError(
      isMissing
        ? `${scheme}:// needs a package that is not installed: run npm install ${packageName} where oathkeeper is installed`
        : `the package ${packageName}, which ${scheme}:// needs, cannot be loaded (${code})`,
      { cause },
    )
  }
}
