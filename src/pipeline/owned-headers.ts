import type { HeaderList } from '../kernel/headers.ts'

/** Takes headers out of a request. */
export type HeaderFilter = (headers: HeaderList) => void

const ALIASED = /[_.]/g

/**
 * Compiles the removal of headers by name, in every spelling that some server behind us takes for the same: any case, and
 * `_` or `.` for `-` (`X_Forwarded_User`, CVE-2025-64484; `X.Auth.User`). `Cookie` stays: other cookies live in it, and
 * whoever sets it replaces it whole. Nothing to remove: `undefined`.
 */
export function compileHeaderFilter(names: readonly string[]): HeaderFilter | undefined {
  const owned = new Set(names.map(plainName).filter((name) => name !== 'cookie'))
  if (owned.size === 0) return undefined
  const lengths = new Set([...owned].map((name) => name.length))
  const isOwned = (name: string): boolean => lengths.has(name.length) && owned.has(plainName(name))
  return (headers) => {
    const { flat } = headers
    for (let i = 0; i < flat.length; i += 2) {
      if (!isOwned(flat[i] as string)) continue
      headers.deleteWhere(isOwned)
      return
    }
  }
}

function plainName(name: string): string {
  return name.toLowerCase().replace(ALIASED, '-')
}
