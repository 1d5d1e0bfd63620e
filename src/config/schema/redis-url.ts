import { Secret } from '../../lib/secret.ts'

/** What a URL of a Redis server says. */
export interface RedisUrl {
  readonly tls: boolean
  readonly address: { readonly host: string; readonly port: number }
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly db: number
}

const DEFAULT_PORT = 6379

/** Reads `redis://user:password@host:port/db`, or `rediss://` for TLS; gives what is wrong as a sentence without the text. */
export function parseRedisUrl(text: string): RedisUrl | string {
  const url = /^rediss?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '') return 'must be a URL such as redis://user:password@redis.example.com:6379/0'
  if (url.search !== '' || url.hash !== '') return 'must end with the number of the database: no query, no fragment'
  const db = /^\/?([0-9]{0,2})$/.exec(url.pathname)?.[1]
  if (db === undefined || Number(db) > 15) return 'must end with the number of the database, 0 to 15, or nothing'
  const username = decode(url.username)
  const password = decode(url.password)
  if (username === undefined || password === undefined) return 'must have user and password percent-encoded: a % stands as %25'
  if (username !== '' && password === '') return 'must name a password with the user'
  return {
    tls: url.protocol === 'rediss:',
    address: { host: decode(url.hostname.replace(/^\[|\]$/g, '')) ?? url.hostname, port: Number(url.port || DEFAULT_PORT) },
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : new Secret(password),
    db: Number(db),
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
