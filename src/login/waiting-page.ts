import type { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { renderPage } from './page.ts'

/** A page that waits for the session store tries again after this time, or up to twice of it. */
const RETRY_SECONDS = 2

/** Not all at the same moment, since many may be waiting. */
export function retryAfterSeconds(): number {
  return RETRY_SECONDS + Math.floor(Math.random() * RETRY_SECONDS)
}

/**
 * What a browser is shown at a page of the application while the session store cannot be asked: the page itself comes later.
 * `Retry-After` is added by who answers the error.
 */
export function waitingPage({ code, status }: GateError, requestId: string, secure: boolean): Reply {
  return renderPage(
    {
      status,
      title: 'This page has to wait a moment',
      paragraphs: [
        'A part of this service cannot be reached. Whoever is signed in stays so. This page tries again by itself.',
      ],
      actions: [],
      reference: { code, requestId },
      retry: { afterSeconds: retryAfterSeconds(), url: undefined },
    },
    secure,
  )
}
