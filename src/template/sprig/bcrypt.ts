import { piWords } from './pi.ts'

/** https://www.usenix.org/legacy/events/usenix99/provos/provos.pdf */
const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const ROUNDS = 16
const SUBKEYS = ROUNDS + 2
const BOX_WORDS = 1024
const MAGIC = 'OrpheanBeholderScryDoubt'

/**
 * Hashes a password of at most 72 bytes.
 * @param salt 16 bytes
 * @param cost the logarithm to base two of the number of rounds
 */
export function bcryptHash(password: Uint8Array, salt: Uint8Array, cost: number): string {
  const cipher = new Blowfish()
  const key = new Uint8Array([...password, 0])
  cipher.expand(key, salt)
  const empty = new Uint8Array(salt.length)
  for (let i = 0; i < 2 ** cost; i++) {
    cipher.expand(key, empty)
    cipher.expand(salt, empty)
  }
  const block = Buffer.from(MAGIC)
  for (let at = 0; at < block.length; at += 8) {
    for (let i = 0; i < 64; i++) {
      cipher.encrypt(block.readUInt32BE(at), block.readUInt32BE(at + 4))
      block.writeUInt32BE(cipher.left, at)
      block.writeUInt32BE(cipher.right, at + 4)
    }
  }
  return `$2a$${String(cost).padStart(2, '0')}$${encode(salt)}${encode(block.subarray(0, 23))}`
}

class Blowfish {
  /** Halves of the last block. */
  left = 0
  right = 0
  readonly #subkeys: Uint32Array
  readonly #boxes: Uint32Array

  constructor() {
    const words = piWords(SUBKEYS + BOX_WORDS)
    this.#subkeys = words.slice(0, SUBKEYS)
    this.#boxes = words.slice(SUBKEYS)
  }

  expand(key: Uint8Array, salt: Uint8Array): void {
    const subkeys = this.#subkeys
    for (let i = 0, at = 0; i < SUBKEYS; i++, at += 4) subkeys[i] = (subkeys[i] as number) ^ wordAt(key, at)
    let at = 0
    let left = 0
    let right = 0
    for (const table of [subkeys, this.#boxes]) {
      for (let i = 0; i < table.length; i += 2) {
        this.encrypt((left ^ wordAt(salt, at)) >>> 0, (right ^ wordAt(salt, at + 4)) >>> 0)
        ;({ left, right } = this)
        table[i] = left
        table[i + 1] = right
        at = (at + 8) % 16
      }
    }
  }

  encrypt(left: number, right: number): void {
    const subkeys = this.#subkeys
    const boxes = this.#boxes
    for (let i = 0; i < ROUNDS; i += 2) {
      left ^= subkeys[i] as number
      right ^= mix(boxes, left)
      right ^= subkeys[i + 1] as number
      left ^= mix(boxes, right)
    }
    this.left = (right ^ (subkeys[ROUNDS + 1] as number)) >>> 0
    this.right = (left ^ (subkeys[ROUNDS] as number)) >>> 0
  }
}

function mix(boxes: Uint32Array, x: number): number {
  const a = boxes[x >>> 24] as number
  const b = boxes[256 + ((x >>> 16) & 255)] as number
  const c = boxes[512 + ((x >>> 8) & 255)] as number
  return (((a + b) ^ c) + (boxes[768 + (x & 255)] as number)) | 0
}

/** Four bytes of a key that is repeated for ever. */
function wordAt(bytes: Uint8Array, at: number): number {
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | (bytes[(at + i) % bytes.length] as number)
  return word >>> 0
}

function encode(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3)
    const word = (a << 16) | (b << 8) | c
    const count = Math.min(bytes.length - i, 3) + 1
    for (let j = 0; j < count; j++) out += ALPHABET[(word >> (18 - 6 * j)) & 63]
  }
  return out
}
