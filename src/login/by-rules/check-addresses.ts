import { HandlerConfigError } from '../../kernel/handlers.ts'
import { isSafeEndpoint } from '../endpoint.ts'
import type { RuleBeginOptions, RuleClientOptions, RuleEndOptions } from './options.ts'

/** @throws {HandlerConfigError} when tokens would travel in the open, or browsers could not be sent back. */
export function checkClient({ tokenUrl, userinfoUrl, redirectUrl, issuer }: RuleClientOptions): void {
  checkEndpoint('token_url', tokenUrl)
  checkEndpoint('userinfo_url', userinfoUrl)
  if (issuer !== undefined) checkEndpoint('issuer', issuer)
  checkOwnAddress('redirect_url', redirectUrl)
}

/** @throws {HandlerConfigError} as `checkClient`. */
export function checkBegin({ authorizationUrl, redirectUrl }: RuleBeginOptions): void {
  checkEndpoint('oidc_authorization_url', authorizationUrl)
  checkOwnAddress('redirect_url', redirectUrl)
}

/** @throws {HandlerConfigError} as `checkClient`. */
export function checkEnd({ logoutUrl, postLogoutRedirectUrl }: RuleEndOptions): void {
  checkEndpoint('oidc_logout_url', logoutUrl)
  checkOwnAddress('post_logout_redirect_url', postLogoutRedirectUrl)
}

function checkEndpoint(key: string, value: string): void {
  if (!isSafeEndpoint(value)) {
    throw new HandlerConfigError(
      [key],
      'is not an https URL without user and fragment (http is allowed on loopback only)',
    )
  }
}

/** Plain http is the operator's decision here, as with `login.base_url`. */
function checkOwnAddress(key: string, value: string): void {
  const url = URL.parse(value)
  const isWeb = url !== null && /^https?:$/.test(url.protocol)
  if (!isWeb || url.username !== '' || url.password !== '' || value.includes('#')) {
    throw new HandlerConfigError([key], 'is not an http or https URL without user and fragment')
  }
}
