import { schemeOf } from '../file-location.ts'

/** The schemes of the three object stores. */
export const OBJECT_SCHEMES = ['s3', 'gs', 'azblob'] as const

export type ObjectScheme = (typeof OBJECT_SCHEMES)[number]

/** One object in a store of Amazon, Google or Microsoft, or in one that speaks as theirs do. */
export interface ObjectLocation {
  readonly scheme: ObjectScheme
  /** Of Azure: the container. */
  readonly bucket: string
  readonly key: string
  /** `scheme://bucket/key`: for logs, without a user or a query. */
  readonly name: string
}

const PARTS = /^[a-z0-9]+:\/\/(?<authority>[^/?#]*)(?:\/(?<key>[^?#]*))?/i

export function isObjectLocation(location: string): boolean {
  return isObjectScheme(schemeOf(location))
}

/**
 * Reads `s3://bucket/key` as Oathkeeper does: the key is decoded, a query is not used.
 * @throws {Error} with a sentence that does not repeat the location.
 */
export function parseObjectLocation(location: string): ObjectLocation {
  const scheme = schemeOf(location)
  const { authority = '', key: encodedKey = '' } = PARTS.exec(location)?.groups ?? {}
  const key = decode(encodedKey)
  if (!isObjectScheme(scheme) || authority === '' || key === undefined || key === '') {
    throw new Error('must name a bucket and a key, such as s3://bucket/rules.json; a % in it begins an escape')
  }
  if (authority.includes('@')) throw new Error('holds a user; credentials come from the environment')
  return { scheme, bucket: authority, key, name: `${scheme}://${authority}/${encodedKey}` }
}

function isObjectScheme(scheme: string): scheme is ObjectScheme {
  return OBJECT_SCHEMES.some((known) => known === scheme)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
