import { parseBoundedJson } from '../lib/bounded-json.ts'
import type { IdleTimeout, Session, SessionTokens } from './contract.ts'
import { packPart, unpackPart } from './packed-part.ts'
import type { RandomBytes } from './random.ts'
import { seal, unseal, type SealKey } from './seal.ts'
import { publicSessionId } from './ticket.ts'

/** All that a record says. */
export interface SessionContent {
  readonly session: Session
  readonly address: string
  readonly userAgent: string
  /** When the tokens came from the provider. */
  readonly tokensObtainedAt: number
  /** Instead of the one of the configuration. */
  readonly idleTimeout: IdleTimeout | undefined
  /** Of the refresh that is to replace them, once one was begun. */
  readonly refresh?: RefreshProgress | undefined
  /** Of the claims of UserInfo; nothing: as old as the tokens. */
  readonly userinfo?: UserinfoProgress | undefined
}

/** How far the refresh of a session's tokens is, for every instance to see. */
export interface RefreshProgress {
  /** Who is spending the refresh token, or died of it; nothing once it is known what came of it. */
  readonly spender?: string
  /** Attempts so far that brought nothing. */
  readonly failures: number
  /** Before that the provider is left alone. */
  readonly retryAt: number
}

export interface UserinfoProgress {
  readonly readAt: number
  /** After a failure: before that it is not asked again. */
  readonly retryAt?: number
}

/** What stands in the record in the open, for whoever lists and ends sessions without being able to open them. */
export interface SessionMetadata {
  readonly subject: string
  readonly provider: string
  readonly sid?: string
  readonly createdAt: number
  readonly lastSeenAt: number
  readonly expiresAt: number
  /** Only where it is another moment. */
  readonly lifetimeEndsAt?: number
  readonly address: string
  readonly userAgent: string
}

interface SealedPart {
  readonly issuer: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly tokens: SessionTokens
  readonly tokensObtainedAt: number
  readonly longestIdleMs?: number
  readonly idleTimeout?: IdleTimeout
  readonly isRemembered?: true
  readonly refresh?: RefreshProgress
  readonly userinfo?: UserinfoProgress
  readonly authTime?: number
  readonly acr?: string
  readonly amr?: readonly string[]
}

/** A record larger than this is none of ours. */
export const MAX_RECORD_BYTES = 1_048_576

/** First byte of a record: how the rest is written. A reader leaves alone what it does not know. */
const FORMAT = 2
/** The same with the sealed part as JSON. */
const PLAIN_FORMAT = 1
/** Formats before this one are opened no longer: who has such a session logs in anew. */
const OLDEST_FORMAT = 1
const PREFIX_BYTES = 5
const MAX_ADDRESS = 64
const MAX_USER_AGENT = 256

/**
 * Writes a record: format, length of the metadata (4 bytes), the metadata as JSON, then the rest sealed. The metadata and the
 * record's key are bound to the seal: nobody without the ticket can change them or put the record under another key.
 * @throws {RangeError} when it is larger, or its claims are nested deeper, than a reader takes.
 */
export function encodeRecord(key: string, sealKey: SealKey, content: SessionContent, random: RandomBytes): Uint8Array {
  const head = encodeHead(metadataOf(content))
  const sealed = seal(sealKey, packPart(sealedPartOf(content)), boundTo(key, head), random)
  if (head.length + sealed.length > MAX_RECORD_BYTES) {
    throw new RangeError(`a session record of ${head.length + sealed.length} bytes is over ${MAX_RECORD_BYTES}`)
  }
  // Not from Node's shared pool: a store may keep it for days, and with it the whole slab.
  const record = new Uint8Array(head.length + sealed.length)
  record.set(head)
  record.set(sealed, head.length)
  return record
}

/** Opens a record; `undefined` when it is corrupt, foreign, of another format, or the key does not open it. */
export function decodeRecord(key: string, sealKey: SealKey, record: Uint8Array): SessionContent | undefined {
  const head = headOf(record)
  if (head === undefined) return undefined
  const plain = unseal(sealKey, record.subarray(head.length), boundTo(key, head))
  if (plain === undefined) return undefined
  try {
    const metadata = parseMetadata(head)
    const sealed =
      head[0] === PLAIN_FORMAT ? (parseBoundedJson(plain.toString()) as SealedPart) : unpackPart<SealedPart>(plain)
    return metadata === undefined ? undefined : contentOf(key, metadata, sealed)
  } catch {
    return undefined
  }
}

/** Reads the metadata of a record without opening it: nothing vouches for it. `undefined` when it is none of ours. */
export function readMetadata(record: Uint8Array): SessionMetadata | undefined {
  const head = headOf(record)
  try {
    return head === undefined ? undefined : parseMetadata(head)
  } catch {
    return undefined
  }
}

/** Whether a record was written in a format that was given up. A newer one is not: another instance may know it. */
export function isRetired(record: Uint8Array): boolean {
  const [format = OLDEST_FORMAT] = record
  return record.length > PREFIX_BYTES && format < OLDEST_FORMAT
}

function metadataOf({ session, address, userAgent }: SessionContent): SessionMetadata {
  return {
    subject: session.subject,
    provider: session.provider,
    ...(session.sid === undefined ? {} : { sid: session.sid }),
    createdAt: session.createdAt,
    lastSeenAt: session.lastSeenAt,
    expiresAt: session.expiresAt,
    ...(session.lifetimeEndsAt === session.expiresAt ? {} : { lifetimeEndsAt: session.lifetimeEndsAt }),
    address: address.slice(0, MAX_ADDRESS),
    userAgent: userAgent.slice(0, MAX_USER_AGENT),
  }
}

function sealedPartOf(content: SessionContent): SealedPart {
  const { session, tokensObtainedAt, idleTimeout, refresh, userinfo } = content
  return {
    issuer: session.issuer,
    claims: session.claims,
    tokens: session.tokens,
    tokensObtainedAt,
    ...(session.longestIdleMs === 0 ? {} : { longestIdleMs: session.longestIdleMs }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
    ...(session.isRemembered && { isRemembered: true }),
    ...(refresh === undefined ? {} : { refresh }),
    ...(userinfo === undefined ? {} : { userinfo }),
    ...(session.authTime === undefined ? {} : { authTime: session.authTime }),
    ...(session.acr === undefined ? {} : { acr: session.acr }),
    ...(session.amr === undefined ? {} : { amr: session.amr }),
  }
}

function contentOf(key: string, metadata: SessionMetadata, sealed: SealedPart): SessionContent {
  const { tokens } = sealed
  return {
    session: {
      id: publicSessionId(key),
      subject: metadata.subject,
      provider: metadata.provider,
      issuer: sealed.issuer,
      claims: sealed.claims,
      // Named one by one, so that all sessions have one shape, whatever JSON left out.
      tokens: {
        accessToken: tokens.accessToken,
        idToken: tokens.idToken,
        refreshToken: tokens.refreshToken,
        // JSON has null where the provider's number was no number.
        accessTokenExpiresAt: tokens.accessTokenExpiresAt ?? undefined,
        scope: tokens.scope,
      },
      createdAt: metadata.createdAt,
      expiresAt: metadata.expiresAt,
      lifetimeEndsAt: latestEndOf(metadata),
      lastSeenAt: metadata.lastSeenAt,
      longestIdleMs: sealed.longestIdleMs ?? 0,
      isRemembered: sealed.isRemembered === true,
      authTime: sealed.authTime,
      acr: sealed.acr,
      amr: sealed.amr,
      sid: metadata.sid,
    },
    address: metadata.address,
    userAgent: metadata.userAgent,
    tokensObtainedAt: sealed.tokensObtainedAt,
    idleTimeout: sealed.idleTimeout,
    ...(sealed.refresh === undefined ? {} : { refresh: sealed.refresh }),
    ...(sealed.userinfo === undefined ? {} : { userinfo: sealed.userinfo }),
  }
}

/** When the session is over whatever happens to it until then. */
export function latestEndOf({ lifetimeEndsAt, expiresAt }: SessionMetadata): number {
  return lifetimeEndsAt ?? expiresAt
}

function encodeHead(metadata: SessionMetadata): Buffer {
  const json = JSON.stringify(metadata)
  const head = Buffer.alloc(PREFIX_BYTES + Buffer.byteLength(json))
  head.writeUInt8(FORMAT, 0)
  head.writeUInt32BE(head.length - PREFIX_BYTES, 1)
  head.write(json, PREFIX_BYTES)
  return head
}

function headOf(record: Uint8Array): Buffer | undefined {
  if (record.length < PREFIX_BYTES || record.length > MAX_RECORD_BYTES) return undefined
  if (record[0] !== FORMAT && record[0] !== PLAIN_FORMAT) return undefined
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length)
  const end = PREFIX_BYTES + bytes.readUInt32BE(1)
  return end <= record.length ? bytes.subarray(0, end) : undefined
}

function parseMetadata(head: Buffer): SessionMetadata | undefined {
  const metadata = parseBoundedJson(head.toString('utf8', PREFIX_BYTES)) as SessionMetadata | null
  const known =
    typeof metadata?.subject === 'string' &&
    typeof metadata.provider === 'string' &&
    Number.isFinite(metadata.createdAt) &&
    Number.isFinite(metadata.lastSeenAt) &&
    Number.isFinite(metadata.expiresAt)
  return known ? metadata : undefined
}

function boundTo(key: string, head: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${key}\0`), head])
}
