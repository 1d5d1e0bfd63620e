import { z } from 'zod'
import { Secret } from '../../lib/secret.ts'
import { filePath, secret } from './scalars.ts'

/** A PEM, in a file or given. */
export type PemSource = { readonly path: string } | { readonly pem: Secret }

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const pemSchema = (what: string) =>
  z
    .strictObject({
      path: filePath().optional().describe(`File with the ${what} (PEM).`),
      base64: secret().optional().describe(`The ${what} (PEM) in base64; goes before \`path\`.`),
    })
    .transform(({ path, base64 }, context): PemSource | undefined => {
      if (base64 === undefined) return path === undefined ? undefined : { path }
      const text = base64.reveal().replace(/\s/g, '')
      if (text !== '' && BASE64.test(text)) return { pem: new Secret(Buffer.from(text, 'base64').toString()) }
      context.addIssue({ code: 'custom', path: ['base64'], message: 'must be base64 of a PEM file' })
      return z.NEVER
    })

/** `serve.<listener>.tls`: https when both parts are given, plain http when none is. */
export const tlsSchema = z
  .strictObject({
    key: pemSchema('private key').optional().describe('Private key.'),
    cert: pemSchema('certificate chain').optional().describe('Certificate, followed by the intermediate ones.'),
  })
  .transform(({ key, cert }, context) => {
    if (key !== undefined && cert !== undefined) return { key, cert }
    if (key !== undefined || cert !== undefined) {
      context.addIssue(`needs key and cert: ${key === undefined ? 'key' : 'cert'} is missing`)
    }
    return undefined
  })

export type TlsConfig = NonNullable<z.output<typeof tlsSchema>>
