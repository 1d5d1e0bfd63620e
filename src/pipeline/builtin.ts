import { anonymous } from './authenticators/anonymous.ts'
import { bearerToken } from './authenticators/bearer-token.ts'
import { callback } from './authenticators/callback.ts'
import { cookieSession } from './authenticators/cookie-session.ts'
import { jwt } from './authenticators/jwt.ts'
import { logout } from './authenticators/logout.ts'
import { noop as noopAuthenticator } from './authenticators/noop.ts'
import { oauth2ClientCredentials } from './authenticators/oauth2-client-credentials.ts'
import { oauth2Introspection } from './authenticators/oauth2-introspection.ts'
import { session } from './authenticators/session.ts'
import { sessionJwt } from './authenticators/session-jwt.ts'
import { unauthorized } from './authenticators/unauthorized.ts'
import { allow } from './authorizers/allow.ts'
import { deny } from './authorizers/deny.ts'
import { ketoEngineAcpOry } from './authorizers/keto-engine-acp-ory.ts'
import { remoteJson } from './authorizers/remote-json.ts'
import { remote } from './authorizers/remote.ts'
import type { HandlerDefinition } from './define.ts'
import type { PipelineDeps } from './deps.ts'
import { json } from './error-handlers/json.ts'
import { login } from './error-handlers/login.ts'
import { redirect } from './error-handlers/redirect.ts'
import { wwwAuthenticate } from './error-handlers/www-authenticate.ts'
import { cookie } from './mutators/cookie.ts'
import { header } from './mutators/header.ts'
import { hydrator } from './mutators/hydrator.ts'
import { idToken } from './mutators/id-token.ts'
import { noop as noopMutator } from './mutators/noop.ts'

/** Every handler that is built in. A new one is one file and one line here. */
export const BUILTIN_HANDLERS: readonly HandlerDefinition<PipelineDeps>[] = [
  anonymous,
  bearerToken,
  callback,
  cookieSession,
  jwt,
  logout,
  noopAuthenticator,
  oauth2ClientCredentials,
  oauth2Introspection,
  session,
  sessionJwt,
  unauthorized,

  allow,
  deny,
  ketoEngineAcpOry,
  remote,
  remoteJson,

  cookie,
  header,
  hydrator,
  idToken,
  noopMutator,

  json,
  login,
  redirect,
  wwwAuthenticate,
]
