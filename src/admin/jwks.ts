import type { Reply } from '../kernel/reply.ts'
import { jsonReply } from './json-reply.ts'

/** Gives public keys as JWKs, never a private member; nothing when no key set can be read. */
export type ListKeys = () => Promise<readonly Readonly<Record<string, unknown>>[] | undefined>

const NONE = jsonReply(500, {
  error: {
    code: 500,
    status: 'Internal Server Error',
    reason: 'None of the provided URLs returned a valid JSON Web Key Set.',
    message: 'An internal server error occurred, please contact the system administrator',
  },
})

/** The public key set. Where nothing signs, and where no set can be read, Oathkeeper answers 500, and so does this. */
export async function jwks(listKeys: ListKeys | undefined): Promise<Reply> {
  const keys = await listKeys?.()
  return keys === undefined ? NONE : jsonReply(200, { keys })
}
