import type { Logger } from '../kernel/logger.ts'
import { UnexpectedStatusError } from '../lib/outbound.ts'
import type { Session } from '../sessions/contract.ts'
import type { Provider } from './provider.ts'
import { toProviderError } from './provider-error.ts'
import { authenticateClient } from './token-request.ts'

/**
 * Tells the provider that the tokens of a session that has ended are not used any more, where it can be told. The person does
 * not wait for it, and a provider that cannot be asked keeps nobody signed in with us. Never rejects.
 * @see [RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009.html#section-2.1)
 */
export async function revokeTokens(provider: Provider, { tokens }: Session, logger: Logger): Promise<void> {
  try {
    const { revocationEndpoint } = await provider.metadata()
    if (revocationEndpoint === undefined) return
    // With a refresh token goes everything that was given for it; what is an access token alone is told by itself.
    const [token, hint] =
      tokens.refreshToken === undefined ? [tokens.accessToken, 'access_token'] : [tokens.refreshToken, 'refresh_token']
    const { headers, fields } = authenticateClient(provider)
    const { status } = await provider.outbound.call(revocationEndpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ token, token_type_hint: hint, ...fields }).toString(),
    })
    if (status !== 200) throw new UnexpectedStatusError('the revocation endpoint', status)
  } catch (cause: unknown) {
    const { code, detail } = toProviderError(cause, provider.id)
    logger.warn({ provider: provider.id, error_code: code, detail }, 'the tokens of a session were not revoked')
  }
}
