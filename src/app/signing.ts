import type { Config } from '../config/config.ts'
import { createKeySets } from '../credentials/key-sets.ts'
import { createDocumentReader } from '../credentials/read-document.ts'
import { createSigningKeys, type SigningKeys, type SigningKeysOptions } from '../credentials/signing-keys.ts'
import { createTokenIssuer, type TokenIssuer } from '../credentials/token-issuer.ts'
import { createTokenVerifiers, type TokenVerifiers } from '../credentials/token-verifier.ts'
import type { Rule } from '../kernel/rule.ts'
import type { Outbound } from '../lib/outbound.ts'

/** What signs and verifies tokens. It lives as long as the process, so that a reload loses no cached token and no key. */
export interface Signing {
  readonly keys: SigningKeys
  readonly tokens: TokenIssuer
  readonly verifiers: TokenVerifiers
}

export function createSigning(options: Omit<SigningKeysOptions, 'reader'> & { readonly outbound: Outbound }): Signing {
  const { clock } = options
  const reader = createDocumentReader(options.outbound)
  const keys = createSigningKeys({ ...options, reader })
  return {
    keys,
    tokens: createTokenIssuer({ keys, clock }),
    verifiers: createTokenVerifiers({ keySets: createKeySets({ reader, clock }) }),
  }
}

/** Where the keys are that `/.well-known/jwks.json` publishes: those of the configuration and of the rules in force. */
export function signingKeyLocations({ handlers }: Config, rules: readonly Rule[]): string[] {
  const configs = [
    handlers.mutators['id_token']?.config,
    ...rules.flatMap(({ mutators }) =>
      mutators.filter(({ handler }) => handler === 'id_token').map(({ config }) => config),
    ),
  ]
  const locations = configs.flatMap((config) => {
    const url = config?.['jwks_url']
    return typeof url === 'string' && url !== '' ? [url] : []
  })
  return [...new Set(locations)]
}
