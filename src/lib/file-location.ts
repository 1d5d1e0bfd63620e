import { fileURLToPath } from 'node:url'

/** The scheme of a location in lower case; empty for a bare path. */
export function schemeOf(location: string): string {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase() ?? ''
}

/** The path of a file as Oathkeeper reads it: `file:///x` is absolute; `file://x/y`, `file://./x` and `x` are relative. */
export function filePathOf(location: string): string {
  if (schemeOf(location) !== 'file') return location
  const rest = location.slice('file://'.length)
  return rest.startsWith('/') ? absolutePath(rest) : decode(rest)
}

function absolutePath(rest: string): string {
  try {
    return fileURLToPath(`file://${rest}`)
  } catch {
    return rest
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
