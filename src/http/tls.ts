import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

/** `serve.<daemon>.tls.cert` and `.key`. */
export interface TlsSource {
  readonly path?: string | undefined
  /** Base64 of the PEM text; wins over `path`. */
  readonly base64?: string | undefined
}

export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
}

/** TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3. */
export const TLS_OPTIONS = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  ALPNProtocols: ['http/1.1'],
} as const

/**
 * Loads certificate and key; nothing when neither is configured.
 * @throws {Error} with a sentence that names what is missing, unreadable or unfit, never its content.
 */
export function loadTls(cert: TlsSource | undefined, key: TlsSource | undefined): TlsMaterial | undefined {
  const certPem = read(cert, 'certificate')
  const keyPem = read(key, 'key')
  if (certPem === undefined && keyPem === undefined) return undefined
  if (certPem === undefined) throw new Error('a TLS key is configured without a certificate')
  if (keyPem === undefined) throw new Error('a TLS certificate is configured without a key')
  try {
    createSecureContext({ cert: certPem, key: keyPem })
  } catch (cause) {
    throw new Error('the TLS certificate and key are not a pair in PEM format', { cause })
  }
  return { cert: certPem, key: keyPem }
}

function read(source: TlsSource | undefined, what: string): Buffer | undefined {
  if (source?.base64 !== undefined && source.base64 !== '') {
    if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(source.base64)) throw new Error(`the TLS ${what} is not base64`)
    return Buffer.from(source.base64, 'base64')
  }
  if (source?.path === undefined || source.path === '') return undefined
  try {
    return readFileSync(source.path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    throw new Error(`the TLS ${what} "${source.path}" cannot be read${code}`, { cause })
  }
}
