import type { Reply } from '../kernel/reply.ts'
import { jsonReply } from './json-reply.ts'

/** Gives public keys as JWKs; never a private member. */
export type ListKeys = () => readonly Readonly<Record<string, unknown>>[]

const NONE = jsonReply(500, {
  error: {
    code: 500,
    status: 'Internal Server Error',
    reason: 'None of the provided URLs returned a valid JSON Web Key Set.',
    message: 'An internal server error occurred, please contact the system administrator',
  },
})

/** The public key set. Where nothing signs, Oathkeeper answers 500, and so does this. */
export function jwks(keys: ListKeys | undefined): Reply {
  return keys === undefined ? NONE : jsonReply(200, { keys: keys() })
}
