import type { ServerResponse } from 'node:http'

/**
 * Passes the links of a 103 on, to clients of HTTP/1.1. Other interim answers, and other headers of this one, say
 * nothing that a client needs and are dropped.
 */
export function relayEarlyHints(response: ServerResponse, raw: readonly Buffer[]): void {
  if (response.req.httpVersion !== '1.1' || response.headersSent) return
  const link: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if ((raw[i] as Buffer).toString('latin1').toLowerCase() === 'link')
      link.push((raw[i + 1] as Buffer).toString('latin1'))
  }
  if (link.length === 0) return
  try {
    response.writeEarlyHints({ link })
  } catch {
    // node:http is strict about links; a hint that it does not like is not worth an answer.
  }
}
