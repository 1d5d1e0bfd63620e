import type { KeyNote } from './contract.ts'

const safer = (here: string): KeyNote => ({ state: 'safer', here })
const unsupported = (here: string): KeyNote => ({ state: 'unsupported', here })

const RETRY = safer(
  'as documented: `give_up_after` bounds one attempt, `max_delay` the wait between two. Oathkeeper takes one for the other, or a million times too long, or not at all',
)
const PROGRESS = safer(
  'bounds how long nothing arrives, not how long a whole upload takes: large bodies are not cut off',
)
const STALL = safer('bounds how long a client takes nothing of an answer; streams are not cut off')
const JAEGER = unsupported('accepted, sends nothing: its agent is no longer made. Use `otel`, which Jaeger takes')

/** By key, or by the beginning of keys that ends in a dot. */
export const KEY_NOTES: Readonly<Record<string, KeyNote>> = {
  'serve.proxy.timeout.read': PROGRESS,
  'serve.api.timeout.read': PROGRESS,
  'serve.proxy.timeout.write': STALL,
  'serve.api.timeout.write': STALL,
  'serve.proxy.cors.debug': unsupported('accepted, logs nothing more'),
  'serve.api.cors.debug': unsupported('accepted, logs nothing more'),
  'serve.prometheus.metrics_path': safer('the one path that has the metrics; Oathkeeper gives them on every path'),
  'serve.prometheus.collapse_request_paths': safer(
    '`false` gives the whole path, without the query, which may hold secrets',
  ),
  'access_rules.repositories': safer(
    'a source is taken whole or not at all and keeps its last good rules; http(s) and object stores are asked again by themselves',
  ),
  'access_rules.matching_strategy': safer('a change takes effect at once; Oathkeeper keeps patterns that it has used'),
  'authenticators.jwt.config.jwks_ttl': safer('of each rule; Oathkeeper reads it once, from the global configuration'),
  'authenticators.jwt.config.jwks_max_wait': safer(
    'of each rule; Oathkeeper reads it once, from the global configuration',
  ),
  'authenticators.oauth2_client_credentials.config.retry.': RETRY,
  'authenticators.oauth2_introspection.config.retry.': RETRY,
  'authorizers.remote.config.retry.': RETRY,
  'authorizers.remote_json.config.retry.': RETRY,
  'authenticators.oauth2_client_credentials.config.cache.': safer(
    'of each configuration of the handler; in Oathkeeper of the process, by who comes first or last',
  ),
  'authenticators.oauth2_introspection.config.cache.': safer(
    'of each configuration of the handler; in Oathkeeper of the process, by who comes first or last',
  ),
  'errors.handlers.json.config.when[].request.cidr': safer('works as documented; Oathkeeper ignores it'),
  'errors.handlers.redirect.config.when[].request.cidr': safer('works as documented; Oathkeeper ignores it'),
  'errors.handlers.www_authenticate.config.when[].request.cidr': safer('works as documented; Oathkeeper ignores it'),
  'tracing.providers.jaeger.': JAEGER,
}
