const SLASH = 0x2f
const DOT = 0x2e

/**
 * Go's `path.Clean`: one slash between segments, no `.` segment, `..` takes the segment before it away (and nothing at
 * the root), no slash at the end unless the path is `/`. The empty path becomes `.`.
 */
export function cleanPath(path: string): string {
  if (path === '') return '.'
  if (isClean(path)) return path
  const rooted = path.charCodeAt(0) === SLASH
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') kept.push(segment)
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop()
    else if (!rooted) kept.push('..')
  }
  const joined = kept.join('/')
  if (rooted) return `/${joined}`
  return joined === '' ? '.' : joined
}

/** Go's `path.Join`: the non-empty elements with a slash between them, cleaned. */
export function joinPath(...elements: readonly string[]): string {
  const joined = elements.filter((element) => element !== '').join('/')
  return joined === '' ? '' : cleanPath(joined)
}

/** Whether `Clean` has nothing to do; may say no without need, for a segment that begins with a dot. */
function isClean(path: string): boolean {
  let before = -1
  for (let i = 0; i < path.length; i++) {
    const char = path.charCodeAt(i)
    if ((char === SLASH || char === DOT) && before === SLASH) return false
    before = char
  }
  if (path.charCodeAt(0) === DOT) return false
  return before !== SLASH || path.length === 1
}
