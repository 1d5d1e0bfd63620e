import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { fn, type GoFunc } from '../values/func.ts'
import { checkTextLength } from '../values/limits.ts'
import { INT } from '../values/param.ts'

const DIGITS = '0123456789'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ASCII = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')

/** Random texts, from the system's generator. */
export const RANDOM: Readonly<Record<string, GoFunc>> = {
  randAlpha: fn([INT], (count) => randomText(count, LETTERS)),
  randAlphaNum: fn([INT], (count) => randomText(count, LETTERS + DIGITS)),
  randAscii: fn([INT], (count) => randomText(count, ASCII)),
  randBytes: fn([INT], (count) => {
    if (count < 0n) throw new Error('runtime error: makeslice: len out of range')
    checkTextLength(Number(count) * 2)
    return randomBytes(Number(count)).toString('base64')
  }),
  randNumeric: fn([INT], (count) => randomText(count, DIGITS)),
  uuidv4: fn([], () => randomUUID()),
}

function randomText(count: bigint, alphabet: string): string {
  if (count <= 0n) return ''
  checkTextLength(Number(count) * 4)
  let out = ''
  for (let i = 0n; i < count; i++) out += alphabet[randomInt(alphabet.length)]
  return out
}
