import { z } from 'zod'
import type { Exchange } from '../../kernel/exchange.ts'
import { defineAuthenticator } from '../define.ts'
import { compileTokenReader, tokenFromSchema } from '../token-from.ts'
import {
  compileTokenPolicy,
  hasThreeParts,
  type TokenIdentity,
  tokenPolicyFields,
  type TokenPolicyDeps,
} from '../token-policy.ts'

const schema = z.strictObject({ ...tokenPolicyFields, token_from: tokenFromSchema })

/** Lets in who brings a JSON Web Token whose signature and claims are good. */
export const jwt = defineAuthenticator({
  type: 'jwt',
  schema,
  compile: (config, deps: TokenPolicyDeps) => {
    const readToken = compileTokenReader(config.token_from)
    const judge = compileTokenPolicy(config, deps)

    return (exchange) => {
      const token = readToken(exchange.request)
      // Other tokens at the same place are for another authenticator.
      if (!hasThreeParts(token)) return false
      const identity = judge(token)
      return identity instanceof Promise ? identity.then((late) => admit(exchange, late)) : admit(exchange, identity)
    }
  },
})

function admit(exchange: Exchange, { subject, extra }: TokenIdentity): true {
  exchange.subject = subject
  exchange.extra = extra
  return true
}
