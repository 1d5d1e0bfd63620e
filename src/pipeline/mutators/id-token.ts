import { z } from 'zod'
import type { IssueToken, TokenIssuer, TokenProfile } from '../../credentials/token-issuer.ts'
import type { Exchange } from '../../kernel/exchange.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import { defineMutator } from '../define.ts'
import type { TemplateCompiler } from '../deps.ts'
import { duration, uri } from '../fields.ts'
import { compileTemplate } from '../render.ts'
import { setHeaderText } from '../set-header.ts'

const schema = z.strictObject({
  issuer_url: z.string().describe('The claim `iss` of the token.'),
  jwks_url: uri().describe(
    'Where the JWK Set is whose private key signs: `file://`, `http://`, `https://`, `s3://`, `gs://` or `azblob://`.',
  ),
  ttl: duration().prefault('15m').describe('How long a token is good.'),
  claims: z
    .string()
    .default('')
    .describe('Template of a JSON object with further claims; `exp`, `iat`, `iss`, `jti`, `nbf` and `sub` stay ours.'),
})

interface Deps {
  readonly templates: TemplateCompiler
  readonly tokens: TokenIssuer
}

/** Sets `Authorization` to a signed token that says who the subject is. */
export const idToken = defineMutator({
  type: 'id_token',
  schema,
  compile: ({ issuer_url: issuer, jwks_url: keys, ttl: ttlMs, claims }, { templates, tokens }: Deps) => {
    const issue = compileIssue(tokens, { keys, issuer, ttlMs })
    const render = claims === '' ? undefined : compileTemplate(templates, claims, ['claims'])
    return {
      // Not owned, although it is always set: `Authorization` has one spelling only and is replaced in any case, and
      // until then the claims, or a hydrator before this, may want to see what the client sent.
      ownedHeaders: [],
      run: (exchange) => {
        const token = issue(exchange.subject, render?.(exchange))
        if (typeof token === 'string') return setToken(exchange, token)
        return token.then((late) => setToken(exchange, late))
      },
    }
  },
})

function compileIssue(tokens: TokenIssuer, profile: TokenProfile): IssueToken {
  try {
    return tokens.with(profile)
  } catch (cause: unknown) {
    throw new HandlerConfigError(['jwks_url'], cause instanceof Error ? cause.message : String(cause))
  }
}

function setToken(exchange: Exchange, token: string): void {
  setHeaderText(exchange, 'Authorization', `Bearer ${token}`)
}
