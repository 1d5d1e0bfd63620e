import { readFileSync } from 'node:fs'

/** The product's version, from package.json, which stands two folders up both of `src/lib` and of `dist/lib`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version: string }
  return version
}
