import { hash } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { parseBoundedJson } from '../lib/bounded-json.ts'
import type { LoginStates, SessionStore } from './contract.ts'
import { originOf } from './origin.ts'
import { createRandomPool, type RandomBytes } from './random.ts'
import { deriveSealKey, seal, unseal } from './seal.ts'

const FORMAT = 1
const ID = /^[A-Za-z0-9_-]{16,128}$/

/**
 * Creates the keeper of login attempts. A state lies under a key made of its id *and* of the browser's secret: the right
 * state in the wrong browser finds nothing, so it neither opens it nor uses it up.
 */
export function createLoginStates(
  store: SessionStore,
  clock: Clock,
  random: RandomBytes = createRandomPool(),
): LoginStates {
  return {
    async put(id, secret, value, expiresAt, origin) {
      if (!ID.test(id) || !ID.test(secret))
        throw new TypeError('id and secret of a login state are base64url, 16 to 128 long')
      const key = stateKey(id, secret)
      const plain = Buffer.from(JSON.stringify({ value, expiresAt }))
      const sealed = seal(sealKeyOf(id, secret), plain, boundTo(key), random)
      await store.putState(key, new Uint8Array([FORMAT, ...sealed]), expiresAt, originOf(origin))
    },
    async take(id, secret) {
      if (!ID.test(id) || !ID.test(secret)) return undefined
      const key = stateKey(id, secret)
      const bytes = await store.takeState(key)
      if (bytes?.[0] !== FORMAT) return undefined
      const plain = unseal(sealKeyOf(id, secret), bytes.subarray(1), boundTo(key))
      if (plain === undefined) return undefined
      const state = parseBoundedJson(plain.toString()) as { value: unknown; expiresAt: number }
      // The store's own expiry may be missing or late.
      return state.expiresAt > clock.now() ? state.value : undefined
    },
  }
}

function stateKey(id: string, secret: string): string {
  return hash('sha256', JSON.stringify(['oathkeeper state key', id, secret]), 'base64url')
}

function sealKeyOf(id: string, secret: string): Uint8Array {
  return deriveSealKey(Buffer.from(JSON.stringify([id, secret])), 'login state v1')
}

function boundTo(key: string): Uint8Array {
  return Buffer.from(`${FORMAT}\0${key}`)
}
