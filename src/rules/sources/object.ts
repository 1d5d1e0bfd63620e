import { createObjectReader } from '../../lib/objects/reader.ts'
import { polledSource } from './polled.ts'
import type { RuleSource, SourceContext } from './source.ts'

const LIMITS = { timeoutMs: 15_000, maxBytes: 32 * 1024 * 1024 }

/** Rules from an object of a cloud store: `s3://`, `gs://` or `azblob://`. */
export function objectSource(location: string, context: SourceContext): RuleSource {
  const reader = createObjectReader(location, LIMITS)
  return polledSource<string | undefined>(
    {
      name: reader.name,
      async fetch(known) {
        const read = await reader.read(known)
        return read === undefined ? undefined : { content: read.content, known: read.version }
      },
      close: () => reader.close(),
    },
    context,
  )
}
