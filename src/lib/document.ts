/** Where something stands in a document: keys and indexes from the root. */
export type KeyPath = readonly (string | number)[]

/** A text that does not parse. The message never repeats what the text holds: it may be a secret. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
  /** 1-based; nothing when the parser cannot tell. */
  readonly line: number | undefined

  constructor(message: string, line: number | undefined) {
    super(message)
    this.line = line
  }
}

/** Line (1-based) of every key and list item, by its path as `formatPath` writes it. */
export type LineMap = Map<string, number>

const PLAIN_KEY = /^[A-Za-z0-9_-]+$/

/** Writes a path as people do: `serve.proxy.port`, `[3].match.url`, `headers["x.y"]`. */
export function formatPath(path: KeyPath): string {
  let out = ''
  for (const step of path) {
    if (typeof step === 'number') out += `[${step}]`
    else if (!PLAIN_KEY.test(step)) out += `[${JSON.stringify(step)}]`
    else out += out === '' ? step : `.${step}`
  }
  return out
}

/** Gives the line of an offset in the text. */
export function lineCounter(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] as number) <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}

/** Without the byte order mark that some editors write. */
export function withoutBom(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
