import type { Reply } from '../kernel/reply.ts'
import type { EndReason } from '../sessions/contract.ts'
import { renderPage } from './page.ts'

/** What a person is told, by reason. */
export const END_SENTENCES = {
  logout: 'You signed out.',
  idle: 'You had not used this service for a while.',
  absolute: 'You had been signed in for as long as one may be without signing in again.',
  revoked: 'Your session was ended by those who run this service.',
  backchannel: 'The sign-in service let us know that you signed out there, or that your session there has ended.',
  refresh_rejected: 'The sign-in service does not vouch for your session any more.',
  superseded: 'You have signed in once more since, and that ended the session before.',
  store_lost: 'This service does not have your session any more, for instance because it was started anew.',
  evicted: 'More people were signed in than this service can keep, and your session was the one unused for longest.',
  key_retired: 'Your session is from an earlier version of this service, and this version does not take it.',
} as const satisfies Record<EndReason, string>

/** Nobody decided on these: the page goes on by itself once there was time to read it. After the others whoever is there has to want it. */
const GOES_ON: readonly EndReason[] = ['idle', 'absolute', 'store_lost', 'evicted', 'key_retired']
const READING_SECONDS = 4

/** The word as a reason; nothing when it is none of the ten. */
export function parseEndReason(word: string | undefined): EndReason | undefined {
  return word !== undefined && Object.hasOwn(END_SENTENCES, word) ? (word as EndReason) : undefined
}

/** Tells a person why they have to sign in again, before they are sent to do so. */
export function endedPage(reason: EndReason, beginUrl: string, requestId: string, secure: boolean): Reply {
  return renderPage(
    {
      status: 200,
      title: 'You are no longer signed in',
      paragraphs: [END_SENTENCES[reason]],
      actions: [{ kind: 'link', label: 'Sign in again', href: beginUrl }],
      reason,
      reference: { code: reason, requestId },
      ...(GOES_ON.includes(reason) && { retry: { afterSeconds: READING_SECONDS, url: beginUrl } }),
    },
    secure,
  )
}
