import type { Reply } from '../kernel/reply.ts'
import { readAccept } from '../lib/accept.ts'

const SENTENCE = 'The requested route does not exist. Make sure you are using the right path, domain, and port.'

const HTML = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>404 Not Found</title></head>
<body><main><h1>404 Not Found</h1><p>${SENTENCE}</p></main></body>
</html>
`
const TEXT = `Error 404 - ${SENTENCE}\n`
const JSON_TEXT = `${JSON.stringify({ error: { code: 404, message: 'Not Found', reason: SENTENCE } })}\n`

/** In the order in which they win where the client has no preference. */
const OFFERS = [
  { type: 'text/html', contentType: 'text/html; charset=utf-8', body: HTML },
  { type: 'text/plain', contentType: 'text/plain; charset=utf-8', body: TEXT },
  { type: 'application/json', contentType: 'application/json; charset=utf-8', body: JSON_TEXT },
] as const

/** The page for every route that does not exist, as HTML, text or JSON by `Accept`. */
export function notFound(acceptLines: readonly string[]): Reply {
  const { contentType, body } = negotiate(acceptLines)
  return { status: 404, headers: [['Content-Type', contentType]], body }
}

/** The offer with the highest quality; of equal ones the one that is named most exactly, then the first. */
function negotiate(acceptLines: readonly string[]): (typeof OFFERS)[number] {
  const ranges = readAccept(acceptLines)
  let best: (typeof OFFERS)[number] = OFFERS[0]
  let bestQuality = -1
  let bestWildness = 3
  for (const offer of OFFERS) {
    for (const { type, quality } of ranges) {
      const wildness = wildnessOf(type, offer.type)
      if (wildness === undefined || quality === 0 || quality < bestQuality) continue
      if (quality === bestQuality && wildness >= bestWildness) continue
      best = offer
      bestQuality = quality
      bestWildness = wildness
    }
  }
  return best
}

/** 0 for the type by name, 1 for its family, 2 for anything; nothing when the range does not hold the type. */
function wildnessOf(range: string, type: string): number | undefined {
  if (range === type) return 0
  if (range === '*/*') return 2
  return range.endsWith('/*') && type.startsWith(range.slice(0, -1)) ? 1 : undefined
}
