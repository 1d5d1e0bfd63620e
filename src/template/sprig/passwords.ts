import { createCipheriv, createDecipheriv, createHmac, randomBytes, scryptSync } from 'node:crypto'
import { bytesOf, stringOf } from '../../lib/go-string.ts'
import { costly, fn, type GoFunc } from '../values/func.ts'
import { type Param, STRING } from '../values/param.ts'
import { bcryptHash } from './bcrypt.ts'
import { decodeBase64 } from './encoding.ts'

/** The cost of bcrypt in Sprig. */
const BCRYPT_COST = 10
/** Some hundred milliseconds: no rendering can pay for many. */
const SLOW = 300_000
const COUNTER: Param<bigint> = { name: 'uint32', literal: 'uint', accepts: () => false }

/** Hashing, deriving and encrypting with passwords. */
export const PASSWORDS: Readonly<Record<string, GoFunc>> = {
  bcrypt: costly(fn([STRING], bcrypt), () => SLOW),
  decryptAES: fn([STRING, STRING], decrypt),
  derivePassword: costly(fn([COUNTER, STRING, STRING, STRING, STRING], derivePassword), () => SLOW),
  encryptAES: fn([STRING, STRING], encrypt),
  htpasswd: costly(
    fn([STRING, STRING], (name, password) =>
      name.includes(':') ? `invalid username: ${name}` : `${name}:${bcrypt(password)}`,
    ),
    () => SLOW,
  ),
}

function bcrypt(password: string): string {
  const bytes = bytesOf(password)
  if (bytes.length > 72) {
    return 'failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes'
  }
  return bcryptHash(bytes, randomBytes(16), BCRYPT_COST)
}

function encrypt(password: string, text: string): string {
  if (text === '') return ''
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', keyOf(password), iv)
  return Buffer.concat([iv, cipher.update(bytesOf(text)), cipher.final()]).toString('base64')
}

function decrypt(password: string, encoded: string): string {
  if (encoded === '') return ''
  const bytes = Buffer.from(decodeBase64(encoded))
  if (bytes.length < 16) throw new Error(`runtime error: slice bounds out of range [:16] with capacity ${bytes.length}`)
  const body = bytes.subarray(16)
  if (body.length % 16 !== 0) throw new Error('crypto/cipher: input not full blocks')
  const decipher = createDecipheriv('aes-256-cbc', keyOf(password), bytes.subarray(0, 16)).setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(body), decipher.final()])
  const padding = plain.at(-1)
  if (padding === undefined) throw new Error('runtime error: index out of range [-1]')
  if (padding > plain.length) throw new Error(`runtime error: slice bounds out of range [:${plain.length - padding}]`)
  return stringOf(plain.subarray(0, plain.length - padding))
}

/** The first 32 bytes of a password, filled up with zeros. */
function keyOf(password: string): Buffer {
  const key = Buffer.alloc(32)
  bytesOf(password).copy(key)
  return key
}

const SEED = 'com.lyndir.masterpassword'
/** @see https://masterpassword.app/masterpassword-algorithm.pdf */
const PATTERNS: Readonly<Record<string, readonly string[]>> = {
  maximum: ['anoxxxxxxxxxxxxxxxxx', 'axxxxxxxxxxxxxxxxxno'],
  long: (
    'CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv ' +
    'CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv ' +
    'CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno'
  ).split(' '),
  medium: ['CvcnoCvc', 'CvcCvcno'],
  short: ['Cvcn'],
  basic: ['aaanaaan', 'aannaaan', 'aaannaaa'],
  pin: ['nnnn'],
}
const CHARACTERS: Readonly<Record<string, string>> = {
  V: 'AEIOU',
  C: 'BCDFGHJKLMNPQRSTVWXYZ',
  v: 'aeiou',
  c: 'bcdfghjklmnpqrstvwxyz',
  A: 'AEIOUBCDFGHJKLMNPQRSTVWXYZ',
  a: 'AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz',
  n: '0123456789',
  o: "@&%?,=[]_:-+*$#!'^~;()/.",
  x: 'AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()',
}

function derivePassword(counter: bigint, type: string, password: string, user: string, site: string): string {
  const patterns = Object.hasOwn(PATTERNS, type) ? PATTERNS[type] : undefined
  if (patterns === undefined) return `cannot find password template ${type}`
  const salt = Buffer.concat([Buffer.from(SEED), counted(bytesOf(user))])
  const key = scryptSync(bytesOf(password), salt, 64, { N: 32_768, r: 8, p: 2, maxmem: 64 * 1024 * 1024 })
  const message = Buffer.concat([Buffer.from(SEED), counted(bytesOf(site)), word(Number(counter))])
  const seed = createHmac('sha256', key).update(message).digest()
  const pattern = patterns[(seed[0] as number) % patterns.length] as string
  return [...pattern]
    .map((kind, i) => {
      const characters = CHARACTERS[kind] as string
      return characters[(seed[i + 1] as number) % characters.length]
    })
    .join('')
}

function counted(bytes: Buffer): Buffer {
  return Buffer.concat([word(bytes.length), bytes])
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
