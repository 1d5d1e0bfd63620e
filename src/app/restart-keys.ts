import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'

/** What is read once at start. A change of it waits for a restart, and is told. */
const READ_AT_START: readonly (readonly [key: string, read: (config: Config) => unknown])[] = [
  [
    'serve',
    ({ serve }) => ({
      ...serve,
      proxy: comparable(serve.proxy),
      api: comparable(serve.api),
      grpc: comparable(serve.grpc),
    }),
  ],
  ['access_rules.trailing_slash', ({ accessRules }) => accessRules.trailingSlash],
  ['profiling', ({ profiling }) => profiling],
  ['tracing', ({ tracing }) => revealed(tracing)],
  ['log', ({ log }) => log],
  ['session_store', ({ sessionStore }) => revealed(withoutCredentials(sessionStore))],
  ['session.lifetime', ({ session }) => session.lifetimeMs],
  ['session.idle_timeout', ({ session }) => session.idleTimeoutMs],
  ['session.refresh.before', ({ session }) => session.refreshBeforeMs],
  ['session.refresh.userinfo', ({ session }) => session.userinfoEveryMs],
  ['session.on_refresh_failure', ({ session }) => session.onRefreshFailure],
]

/** Keys whose change has no effect before a restart. */
export function keysThatWaitForRestart(before: Config, after: Config): string[] {
  return READ_AT_START.flatMap(([key, read]) => (isDeepStrictEqual(read(before), read(after)) ? [] : [key]))
}

/** A listener without what changes under it. */
function comparable<Part extends { readonly tls: unknown }>(part: Part): unknown {
  return { ...part, cors: undefined, tls: revealed(part.tls) }
}

/** A store without what changes under it. */
function withoutCredentials(store: Config['sessionStore']): unknown {
  return store.type === 'redis' ? { ...store, redis: { ...store.redis, credentials: undefined } } : store
}

/** Secrets are equal when their texts are. */
function revealed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('reveal' in value && typeof value.reveal === 'function') return String(value.reveal())
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revealed(part)]))
}
