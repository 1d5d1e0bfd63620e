import { createClientLogins } from '../credentials/client-logins.ts'
import { createIntrospections } from '../credentials/introspections.ts'
import { createKeySets } from '../credentials/key-sets.ts'
import { createDocumentReader } from '../credentials/read-document.ts'
import { createSigningKeys, type SigningKeys, type SigningKeysOptions } from '../credentials/signing-keys.ts'
import { createTokenIssuer } from '../credentials/token-issuer.ts'
import { createTokenVerifiers } from '../credentials/token-verifier.ts'
import type { Outbound } from '../lib/outbound.ts'
import type { PipelineDeps } from '../pipeline/deps.ts'

/** What handlers have in common, and what they ask others through. */
export type HandlerServices = Pick<
  PipelineDeps,
  'outbound' | 'tokens' | 'verifiers' | 'introspections' | 'clientLogins'
>

export interface Services {
  readonly signingKeys: SigningKeys
  readonly handlers: HandlerServices
}

export type ServicesOptions = Omit<SigningKeysOptions, 'reader'> & { readonly outbound: Outbound }

/** Creates the services. They live as long as the process, so that a reload loses no cached token and no key. */
export function createServices(options: ServicesOptions): Services {
  const { outbound, clock } = options
  const reader = createDocumentReader(outbound)
  const signingKeys = createSigningKeys({ ...options, reader })
  return {
    signingKeys,
    handlers: {
      outbound,
      tokens: createTokenIssuer({ keys: signingKeys, clock }),
      verifiers: createTokenVerifiers({ keySets: createKeySets({ reader, clock }) }),
      introspections: createIntrospections({ outbound, clock }),
      clientLogins: createClientLogins({ outbound, clock }),
    },
  }
}
