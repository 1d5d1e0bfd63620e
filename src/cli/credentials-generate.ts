import { generateKeyPair, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CliContext, Finish } from './context.ts'
import { EXIT } from './exit-codes.ts'

const HELP = `
Prints a JSON Web Key Set with one private key on standard output: redirect it into a file that nobody else may read.

Examples:
  (umask 077; oathkeeper credentials generate --alg ES256 > jwks.json)
  (umask 077; oathkeeper credentials generate --alg RS256 --bits 4096 --kid key-2 > jwks.json)
`

/** For each algorithm: how a key is made, and which sizes there are. */
interface KeyKind {
  readonly defaultBits: number
  readonly minBits: number
  /** Nothing: any size from `minBits`. */
  readonly onlyBits?: number
  /** The size must be a multiple of it. Default 1. */
  readonly step?: number
  readonly make: (bits: number) => Promise<JsonWebKey>
}

type JsonWebKey = Readonly<Record<string, unknown>>

const generate = promisify(generateKeyPair) as (type: string, options: object) => Promise<{ privateKey: KeyObject }>

const rsa: KeyKind = {
  defaultBits: 2048,
  minBits: 2048,
  make: async (modulusLength) => toJwk((await generate('rsa', { modulusLength })).privateKey),
}

const ec = (namedCurve: string, bits: number): KeyKind => ({
  defaultBits: bits,
  minBits: bits,
  onlyBits: bits,
  make: async () => toJwk((await generate('ec', { namedCurve })).privateKey),
})

const ed25519: KeyKind = {
  defaultBits: 256,
  minBits: 256,
  onlyBits: 256,
  make: async () => toJwk((await generate('ed25519', {})).privateKey),
}

const hmac = (defaultBits: number, minBits: number): KeyKind => ({
  defaultBits,
  minBits,
  step: 8,
  make: async (bits) => ({ kty: 'oct', k: randomBytes(bits / 8).toString('base64url') }),
})

const KINDS: Readonly<Record<string, KeyKind>> = {
  HS256: hmac(256, 256),
  HS384: hmac(384, 384),
  HS512: hmac(1024, 512),
  ES256: ec('P-256', 256),
  ES384: ec('P-384', 384),
  ES512: ec('P-521', 521),
  EdDSA: ed25519,
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
}

/** A larger one takes minutes to make and milliseconds for each signature. */
const MAX_BITS = 16_384

interface Options {
  readonly alg: string
  readonly kid?: string
  readonly bits: number
}

/** `oathkeeper credentials generate`: a new key for one algorithm. */
export function addCredentialsGenerateCommand(credentials: Command, context: CliContext, finish: Finish): void {
  credentials
    .command('generate')
    .description('Make a key for one algorithm and print it as a JSON Web Key Set.')
    .addOption(new Option('--alg <algorithm>', 'what it signs with').choices(Object.keys(KINDS)).makeOptionMandatory())
    .option('--kid <id>', 'its id; a random one by default')
    .option('--bits <number>', 'its size; by default one that is safe for the algorithm', parseBits, 0)
    .addHelpText('after', HELP)
    .action(async ({ alg, kid, bits }: Options) => {
      const kind = KINDS[alg]
      const mistake = kind === undefined ? 'unknown algorithm' : mistakeIn(kind, alg, bits)
      if (kind === undefined || mistake !== undefined) {
        context.err(`oathkeeper: ${mistake}\n`)
        finish(EXIT.failed)
        return
      }
      const key = await kind.make(bits === 0 ? kind.defaultBits : bits)
      const named = { use: 'sig', kty: key['kty'], kid: kid === undefined || kid === '' ? randomUUID() : kid, alg }
      context.out(`${JSON.stringify({ keys: [{ ...named, ...key }] }, undefined, 2)}\n`)
      finish(EXIT.done)
    })
}

function parseBits(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a number of bits.')
  return Number(text)
}

/** What is wrong with the size, in a sentence. */
function mistakeIn({ minBits, onlyBits, step = 1 }: KeyKind, alg: string, bits: number): string | undefined {
  if (bits === 0) return undefined
  if (onlyBits !== undefined)
    return bits === onlyBits ? undefined : `a key for ${alg} has ${onlyBits} bits and no other size`
  if (bits < minBits) return `a key for ${alg} has at least ${minBits} bits`
  if (bits > MAX_BITS) return `a key for ${alg} has at most ${MAX_BITS} bits`
  return bits % step === 0 ? undefined : `the number of bits must be a multiple of ${step}`
}

function toJwk(key: KeyObject): JsonWebKey {
  return key.export({ format: 'jwk' }) as JsonWebKey
}
