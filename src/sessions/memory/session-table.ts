import { hash } from 'node:crypto'
import type { SessionIndex } from '../contract.ts'
import { Chains, grown, HashHeads } from './chains.ts'
import { OrderOfUse } from './order-of-use.ts'
import { offsetOf, Slabs } from './slabs.ts'

/** Beyond, hashes share chains more and more. */
const MAX_CHAINS = 2 ** 22
/** What is set aside at the beginning, so that nothing is copied later on; untouched it takes no memory. */
const FIRST_CAPACITY = 2 ** 20
const MAX_KEY_BYTES = 255
/** How much of a hash is kept of a subject and of a provider's session. */
const DIGEST_BYTES = 16
const NO_DIGEST = Buffer.alloc(DIGEST_BYTES)
/** Before the key: both digests. */
const KEY_AT = DIGEST_BYTES * 2
const LAST_BUCKET = 2 ** 31 - 1

/**
 * Sessions as numbers: a few of them in arrays, and bytes in slabs. A million take no more objects than ten do, so that the garbage
 * collection has nothing to walk over. What is held is known by its id, which another has once it is removed.
 */
export class SessionTable {
  readonly #bucketMs: number
  readonly #slabs = new Slabs()
  readonly #byKey: Chains
  readonly #bySubject: Chains
  readonly #byProviderSession: Chains
  /** By the time at which they end, so that a sweep finds what is over without a look at the rest. */
  readonly #buckets = new Map<number, number>()
  readonly #byEnd = new Chains(this.#buckets)
  readonly #uses = new OrderOfUse()
  readonly #freeIds: number[] = []
  readonly #maxCapacity: number
  readonly #keyBytes = Buffer.allocUnsafeSlow(MAX_KEY_BYTES * 4)
  #ids = 0
  #capacity = 0
  #swept = Number.NEGATIVE_INFINITY
  #indexEntries = 0
  #hashes = new Int32Array(0)
  #keyLengths = new Int32Array(0)
  #lengths = new Int32Array(0)
  #bucketOf = new Int32Array(0)
  #places = new Float64Array(0)
  #versions = new Float64Array(0)
  #ends = new Float64Array(0)

  /** `bucketMs`: how exactly it is known when something ends without a look at it. */
  constructor(maxSessions: number, bucketMs: number, firstCapacity: number = FIRST_CAPACITY) {
    this.#bucketMs = bucketMs
    this.#maxCapacity = maxSessions
    const chains = Math.min(maxSessions, MAX_CHAINS)
    this.#byKey = new Chains(new HashHeads(chains))
    this.#bySubject = new Chains(new HashHeads(chains))
    this.#byProviderSession = new Chains(new HashHeads(chains))
    this.#grow(Math.min(maxSessions, firstCapacity))
  }

  get size(): number {
    return this.#ids - this.#freeIds.length
  }

  get indexEntries(): number {
    return this.#indexEntries
  }

  get isFull(): boolean {
    return this.size >= this.#maxCapacity
  }

  /** The one unused for longest. */
  get oldest(): number | undefined {
    return this.#uses.oldest
  }

  find(key: string): number | undefined {
    const length = this.#readKey(key)
    const hashed = hashOf(this.#keyBytes, length)
    for (let id = this.#byKey.first(hashed); id !== undefined; id = this.#byKey.next(id)) {
      if (this.#hashes[id] === hashed && this.#keyLengths[id] === length && this.#hasKey(id, length)) return id
    }
    return undefined
  }

  /** There must be room, and none of this key. */
  add(key: string, value: Uint8Array, expiresAt: number, { subject, providerSession }: SessionIndex): void {
    const length = this.#readKey(key)
    const id = this.#freeIds.pop() ?? this.#ids++
    if (id >= this.#capacity) this.#grow(Math.min(this.#capacity * 2, this.#maxCapacity))
    const hashed = hashOf(this.#keyBytes, length)
    this.#hashes[id] = hashed
    this.#keyLengths[id] = length
    this.#write(id, value, (bytes, at) => {
      bytes.set(digestOf(subject), at)
      bytes.set(providerSession === undefined ? NO_DIGEST : digestOf(providerSession), at + DIGEST_BYTES)
      this.#keyBytes.copy(bytes, at + KEY_AT, 0, length)
    })
    this.#versions[id] = 1
    this.#byKey.add(hashed, id)
    this.#bySubject.add(this.#digestHash(id, 0), id)
    this.#indexEntries++
    if (providerSession !== undefined) {
      this.#byProviderSession.add(this.#digestHash(id, DIGEST_BYTES), id)
      this.#indexEntries++
    }
    this.#file(id, expiresAt)
    this.#uses.add(id)
  }

  /** Another value; whatever else it is found by stays. */
  replace(id: number, value: Uint8Array, expiresAt: number): void {
    const place = this.#placeOf(id)
    const from = this.#slabs.bufferOf(place)
    const begun = offsetOf(place)
    this.#write(id, value, (bytes, at) => from.copy(bytes, at, begun, begun + KEY_AT + (this.#keyLengths[id] ?? 0)))
    this.#slabs.free(place)
    this.#versions[id] = this.versionOf(id) + 1
    this.#byEnd.remove(this.#bucketOf[id] ?? 0, id)
    this.#file(id, expiresAt)
  }

  remove(id: number): void {
    this.#byKey.remove(this.#hashes[id] ?? 0, id)
    this.#bySubject.remove(this.#digestHash(id, 0), id)
    this.#indexEntries--
    if (!this.#hasDigest(id, DIGEST_BYTES, NO_DIGEST)) {
      this.#byProviderSession.remove(this.#digestHash(id, DIGEST_BYTES), id)
      this.#indexEntries--
    }
    this.#byEnd.remove(this.#bucketOf[id] ?? 0, id)
    this.#uses.remove(id)
    this.#slabs.free(this.#placeOf(id))
    this.#freeIds.push(id)
  }

  use(id: number): void {
    this.#uses.use(id)
  }

  versionOf(id: number): number {
    return this.#versions[id] ?? 0
  }

  endOf(id: number): number {
    return this.#ends[id] ?? 0
  }

  keyOf(id: number): string {
    const place = this.#placeOf(id)
    const at = offsetOf(place) + KEY_AT
    return this.#slabs.bufferOf(place).toString('utf8', at, at + (this.#keyLengths[id] ?? 0))
  }

  /** A copy: what is held is overwritten one day. */
  valueOf(id: number): Uint8Array {
    const place = this.#placeOf(id)
    const at = offsetOf(place) + KEY_AT + (this.#keyLengths[id] ?? 0)
    return new Uint8Array(this.#slabs.bufferOf(place).subarray(at, at + (this.#lengths[id] ?? 0)))
  }

  ofSubject(subject: string): number[] {
    return this.#find(this.#bySubject, 0, subject)
  }

  ofProviderSession(providerSession: string): number[] {
    return this.#find(this.#byProviderSession, DIGEST_BYTES, providerSession)
  }

  hasSubject(id: number, subject: string): boolean {
    return this.#hasDigest(id, 0, digestOf(subject))
  }

  /** Those that ended before `now`, but for some that did so just now. They are held until they are removed. */
  due(now: number): number[] {
    const last = this.#bucketAt(now) - 1
    const due = this.#candidates(last).flatMap((bucket) => this.#byEnd.ids(bucket))
    this.#swept = Math.max(this.#swept, last)
    return due
  }

  /** Those that end at about `now`, before or after: of what is not `due`, all that may be over. */
  around(now: number): number[] {
    return this.#byEnd.ids(this.#bucketAt(now))
  }

  #grow(capacity: number): void {
    this.#capacity = capacity
    for (const chains of [this.#byKey, this.#bySubject, this.#byProviderSession, this.#byEnd, this.#uses]) {
      chains.grow(capacity)
    }
    this.#hashes = grown(this.#hashes, new Int32Array(capacity))
    this.#keyLengths = grown(this.#keyLengths, new Int32Array(capacity))
    this.#lengths = grown(this.#lengths, new Int32Array(capacity))
    this.#bucketOf = grown(this.#bucketOf, new Int32Array(capacity))
    this.#places = grown(this.#places, new Float64Array(capacity))
    this.#versions = grown(this.#versions, new Float64Array(capacity))
    this.#ends = grown(this.#ends, new Float64Array(capacity))
  }

  /** Leaves its bytes in `#keyBytes`, and gives their number. */
  #readKey(key: string): number {
    if (key.length > MAX_KEY_BYTES) throw new RangeError(`a key of ${key.length} characters is over ${MAX_KEY_BYTES}`)
    return this.#keyBytes.write(key)
  }

  #hasKey(id: number, length: number): boolean {
    const place = this.#placeOf(id)
    const bytes = this.#slabs.bufferOf(place)
    const at = offsetOf(place) + KEY_AT
    for (let i = 0; i < length; i++) if (bytes[at + i] !== this.#keyBytes[i]) return false
    return true
  }

  #write(id: number, value: Uint8Array, writeHead: (bytes: Buffer, at: number) => void): void {
    const headBytes = KEY_AT + (this.#keyLengths[id] ?? 0)
    const place = this.#slabs.allocate(headBytes + value.length)
    const bytes = this.#slabs.bufferOf(place)
    const at = offsetOf(place)
    writeHead(bytes, at)
    bytes.set(value, at + headBytes)
    this.#places[id] = place
    this.#lengths[id] = value.length
  }

  #file(id: number, expiresAt: number): void {
    // What is over already goes where the next sweep still looks.
    const bucket = Math.max(this.#bucketAt(expiresAt), this.#swept + 1)
    this.#ends[id] = expiresAt
    this.#bucketOf[id] = bucket
    this.#byEnd.add(bucket, id)
  }

  #bucketAt(time: number): number {
    return Math.min(Math.floor(time / this.#bucketMs), LAST_BUCKET)
  }

  /** Buckets to look at: the few since the last sweep, or all where that is fewer. */
  #candidates(last: number): number[] {
    if (last - this.#swept > this.#buckets.size) return [...this.#buckets.keys()].filter((bucket) => bucket <= last)
    return Array.from({ length: Math.max(0, last - this.#swept) }, (_, i) => this.#swept + 1 + i)
  }

  #find(chains: Chains, at: number, name: string): number[] {
    const digest = digestOf(name)
    return chains.ids(digest.readInt32LE(0)).filter((id) => this.#hasDigest(id, at, digest))
  }

  #placeOf(id: number): number {
    return this.#places[id] ?? 0
  }

  #hasDigest(id: number, at: number, digest: Buffer): boolean {
    const place = this.#placeOf(id)
    const begun = offsetOf(place) + at
    return this.#slabs.bufferOf(place).compare(digest, 0, DIGEST_BYTES, begun, begun + DIGEST_BYTES) === 0
  }

  #digestHash(id: number, at: number): number {
    const place = this.#placeOf(id)
    return this.#slabs.bufferOf(place).readInt32LE(offsetOf(place) + at)
  }
}

/** FNV-1a. Whoever could choose keys would need SHA-256 to collide with it: they are hashes. */
function hashOf(bytes: Buffer, length: number): number {
  let hashed = 0x811c9dc5
  for (let i = 0; i < length; i++) hashed = Math.imul(hashed ^ (bytes[i] ?? 0), 0x01000193)
  return hashed | 0
}

function digestOf(name: string): Buffer {
  return hash('sha256', name, 'buffer').subarray(0, DIGEST_BYTES)
}
