import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { filePathOf } from '../../lib/file-location.ts'
import { type FileWatch, watchFile } from '../../lib/file-watch.ts'
import type { RuleSource, SourceContext, SourceListener } from './source.ts'

const POLL_MS = 10_000

/** A file on this machine, watched: in-place writes, atomic renames, and the `..data` swap of a Kubernetes volume. */
export function fileSource(location: string, context: SourceContext): RuleSource {
  const path = resolve(context.baseDir, filePathOf(location))
  let watch: FileWatch | undefined
  let isClosed = false
  return {
    name: location,
    async start(listener) {
      const content = await read(path, listener)
      if (!context.watch || isClosed) return
      watch = watchFile(path, (changed) => tell(path, changed, listener), {
        pollMs: POLL_MS,
        known: content,
        clock: context.clock,
      })
    },
    lookAgain() {
      watch?.lookAgain()
    },
    close() {
      isClosed = true
      watch?.close()
    },
  }
}

async function read(path: string, listener: SourceListener): Promise<Buffer | undefined> {
  try {
    const content = await readFile(path)
    listener.onContent(content)
    return content
  } catch (cause: unknown) {
    listener.onFailure(`${path} cannot be read (${codeOf(cause)})`)
    return undefined
  }
}

function tell(path: string, content: Buffer | undefined, listener: SourceListener): void {
  if (content === undefined) listener.onFailure(`${path} is gone or cannot be read`)
  else listener.onContent(content)
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown cause'
}
