import { createHash, randomBytes } from 'node:crypto'
import type { StepUp } from '../kernel/step-up.ts'
import { isJsonObject } from '../lib/strict-json.ts'
import type { ReturnTarget } from './return-target.ts'
import { parseStepUp } from './step-up.ts'

/** What must be the same when the browser comes back from the provider. Kept by `LoginStates`, sealed for the browser. */
export interface Transaction {
  readonly issuer: string
  readonly redirectUri: string
  readonly nonce: string
  readonly codeVerifier: string
  /** Where to in the end. Judged again when it is used. */
  readonly returnTo: string
  /** The origin of ours that the login began at. */
  readonly baseUrl: string
  /** When it began. */
  readonly startedAt: number
  /** How the person has to log in, beyond what the configuration asks of everybody. */
  readonly stepUp?: StepUp | undefined
  /** The provider was told to ask who it is, whatever it knows. */
  readonly isForced?: boolean | undefined
  /** The person asked to stay signed in. */
  readonly rememberMe?: boolean | undefined
  /** Of the session that the browser had. Its cookie may not come along when the browser is back (`SameSite=Strict`). */
  readonly ticketBefore?: string | undefined
}

export interface TransactionStart {
  readonly issuer: string
  readonly baseUrl: string
  readonly redirectUri: string
  readonly returnTo: ReturnTarget
  readonly startedAt: number
  readonly stepUp?: StepUp | undefined
  readonly isForced?: boolean | undefined
  /** The person asked to stay signed in. */
  readonly rememberMe?: boolean | undefined
  /** Of the session that the browser had. Its cookie may not come along when the browser is back (`SameSite=Strict`). */
  readonly ticketBefore?: string | undefined
}

// 48 octets are 64 characters, each of which can be any of the alphabet; RFC 7636 §7.1 asks for 32 octets at least.
const VERIFIER_BYTES = 48
const NONCE_BYTES = 24

/** Begins a transaction with values that no other has. */
export function createTransaction(start: TransactionStart): Transaction {
  return { ...start, nonce: randomText(NONCE_BYTES), codeVerifier: randomText(VERIFIER_BYTES) }
}

/** @see [RFC 7636 §4.2](https://www.rfc-editor.org/rfc/rfc7636.html#section-4.2) */
export function codeChallenge(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier, 'ascii').digest('base64url')
}

/** Reads what the store gave back; `undefined` for what another version wrote. */
export function parseTransaction(value: unknown): Transaction | undefined {
  if (!isJsonObject(value)) return undefined
  const { issuer, redirectUri, nonce, codeVerifier, returnTo, baseUrl } = value
  const texts = { issuer, redirectUri, nonce, codeVerifier, returnTo, baseUrl }
  if (!Object.values(texts).every((part) => typeof part === 'string' && part !== '')) return undefined
  const { startedAt, stepUp, isForced, rememberMe, ticketBefore } = value
  return {
    ...(texts as Transaction),
    startedAt: typeof startedAt === 'number' ? startedAt : 0,
    stepUp: parseStepUp(stepUp),
    isForced: isForced === true,
    rememberMe: typeof rememberMe === 'boolean' ? rememberMe : undefined,
    ticketBefore: typeof ticketBefore === 'string' ? ticketBefore : undefined,
  }
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
