import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { RandomBytes } from './random.ts'

/** AES-256 key made from a secret that only a browser holds. */
export type SealKey = Uint8Array

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Derives the key for one purpose; the same secret gives another key for another purpose. */
export function deriveSealKey(secret: Uint8Array, purpose: string): SealKey {
  return new Uint8Array(hkdfSync('sha256', secret, '', `oathkeeper ${purpose}`, 32))
}

/**
 * Seals with AES-256-GCM. `bound` is not in the result and has to be the same when it is opened: what a thing is, where it
 * lies and what stands beside it in the open.
 */
export function seal(key: SealKey, plain: Uint8Array, bound: Uint8Array, random: RandomBytes): Buffer {
  const nonce = random(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Opens what `seal` made; `undefined` when the key, what was bound or a single bit is another. */
export function unseal(key: SealKey, sealed: Uint8Array, bound: Uint8Array): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const tagAt = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(bound).setAuthTag(sealed.subarray(tagAt))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, tagAt)), decipher.final()])
  } catch {
    return undefined
  }
}
