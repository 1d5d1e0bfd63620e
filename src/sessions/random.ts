import { randomFillSync } from 'node:crypto'

/** Gives that many fresh random bytes. Throws when the system's generator fails: there is no second source. */
export type RandomBytes = (count: number) => Buffer

const POOL_BYTES = 4096

/**
 * Creates a source that asks the system's generator for many bytes at once and hands them out in pieces.
 * A piece is wiped from the pool as it is given, so that a later leak of the pool tells nothing of earlier ids.
 */
export function createRandomPool(fill: (pool: Buffer) => void = randomFillSync): RandomBytes {
  const pool = Buffer.alloc(POOL_BYTES)
  let used = POOL_BYTES
  return (count) => {
    if (used + count > POOL_BYTES) {
      used = POOL_BYTES
      fill(pool)
      used = 0
    }
    const piece = Buffer.from(pool.subarray(used, used + count))
    pool.fill(0, used, used + count)
    used += count
    return piece
  }
}
