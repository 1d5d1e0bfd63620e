import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { SessionStoreConfig } from '../../src/config/schema/session-store.ts'
import { accept, refuse } from './config.ts'

export function storeOf(t: TestContext, text: string, env: Record<string, string> = {}): SessionStoreConfig {
  return accept(t, text, { env }).config.sessionStore
}

export function redisOf(t: TestContext, keys: string, env: Record<string, string> = {}) {
  const store = storeOf(t, `session_store: { type: redis, redis: { addr: "127.0.0.1:6379", ${keys} } }`, env)
  assert.ok(store.type === 'redis')
  return store.redis
}

/** Without `addr`. */
export function redisOnly(t: TestContext, keys: string) {
  const store = storeOf(t, `session_store: { type: redis, redis: { ${keys} } }`)
  assert.ok(store.type === 'redis')
  return store.redis
}

export function refusedRedis(t: TestContext, keys: string): string {
  return refuse(t, `session_store: { type: redis, redis: { ${keys} } }`).join('\n')
}

/** As it comes out of `addr`. */
export function at(address: { host: string; port: number }) {
  return { kind: 'single', address, key: 'addr' }
}
