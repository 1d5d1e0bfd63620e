interface CatalogueEntry {
  /** HTTP status. */
  readonly status: number
  /** For the client; Oathkeeper's own sentence where it has one. */
  readonly message: string
}

/** Every error that can end a request. Codes are never renamed and never used again; docs/errors.md lists them all. */
export const CATALOGUE = {
  ERR_INTERNAL: { status: 500, message: 'An internal server error occurred, please contact the system administrator' },
  ERR_REQUEST_MALFORMED: { status: 400, message: 'The request was malformed or contained invalid parameters' },
  ERR_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long' },
  ERR_REQUEST_BODY_TOO_LARGE: { status: 413, message: 'The request body is too large' },
  ERR_REQUEST_HEADER_TOO_LARGE: { status: 431, message: 'The request header is too large' },
  ERR_CREDENTIALS_INVALID: { status: 401, message: 'Access credentials are invalid' },
  ERR_AUTHENTICATION_INSUFFICIENT: { status: 401, message: 'A stronger or more recent authentication is required' },
  ERR_ACCESS_FORBIDDEN: { status: 403, message: 'Access credentials are not sufficient to access this resource' },
  ERR_RULE_NOT_FOUND: { status: 404, message: 'Requested url does not match any rules' },
  ERR_NOT_FOUND: { status: 404, message: 'The requested resource could not be found' },
  ERR_RATE_LIMITED: { status: 429, message: 'Too many requests' },
  ERR_RULE_AMBIGUOUS: { status: 500, message: 'Expected exactly one rule but found multiple rules' },
  ERR_RULE_MATCH_FAILED: { status: 500, message: 'The access rules could not be evaluated' },
  ERR_HANDLER_MISCONFIGURED: { status: 500, message: 'handler matching this route is misconfigured or disabled' },
  ERR_TEMPLATE_FAILED: { status: 500, message: 'A template could not be executed' },
  ERR_INTROSPECTION_FAILED: { status: 500, message: 'The token could not be introspected' },
  ERR_TOKEN_ENDPOINT_UNAVAILABLE: { status: 503, message: 'The upstream service is not available' },
  ERR_TOKEN_ENDPOINT_TIMEOUT: { status: 504, message: 'The upstream service is timing out' },
  ERR_TOKEN_ENDPOINT_FAILED: { status: 500, message: 'The upstream service encountered an unexpected error' },
  ERR_TOKEN_ENDPOINT_NOT_FOUND: { status: 404, message: 'Upstream service not found' },
  ERR_AUTHORIZER_FAILED: { status: 500, message: 'The authorizer gave no answer that can be used' },
  ERR_HYDRATOR_FAILED: { status: 500, message: 'The hydrator gave no answer that can be used' },
  ERR_SIGNING_KEY_UNAVAILABLE: { status: 500, message: 'There is no key to sign a token with' },
  ERR_MUTATED_HEADER_TOO_LARGE: { status: 500, message: 'A header for the upstream is too large' },
  ERR_UPSTREAM_UNDEFINED: {
    status: 500,
    message: 'Unable to forward the request because matched rule does not define an upstream URL',
  },
  ERR_UPSTREAM_UNAVAILABLE: { status: 502, message: 'The upstream service is not available' },
  ERR_UPSTREAM_BUSY: { status: 503, message: 'The upstream service has too much to do' },
  ERR_UPSTREAM_TIMEOUT: { status: 504, message: 'The upstream service is timing out' },
  ERR_SESSION_STORE_UNAVAILABLE: { status: 503, message: 'The session store could not be asked' },
  ERR_PROVIDER_UNAVAILABLE: { status: 503, message: 'The identity provider could not be asked' },
  ERR_PROVIDER_TIMEOUT: { status: 504, message: 'The identity provider did not answer in time' },
  ERR_PROVIDER_RESPONSE_INVALID: { status: 502, message: 'The identity provider gave an answer that cannot be used' },
  ERR_LOGIN_FAILED: { status: 400, message: 'The login could not be completed' },
  ERR_STEP_UP_FAILED: {
    status: 403,
    message: 'The identity provider did not authenticate the user as it was asked to',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof CATALOGUE
