import { z } from 'zod'
import { filePath, secret } from './scalars.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A PEM in a file, or in base64, which goes before the file. */
const pemSchema = (what: string) =>
  z.strictObject({
    path: filePath().optional().describe(`File with the ${what} (PEM).`),
    base64: secret()
      .refine((text) => isBase64(text.reveal()), 'must be base64 of a PEM file')
      .optional()
      .describe(`The ${what} (PEM) in base64; goes before \`path\`.`),
  })

/** `serve.<listener>.tls`: https when both parts are given, plain http when none is. */
export const tlsSchema = z
  .strictObject({
    key: pemSchema('private key').optional().describe('Private key.'),
    cert: pemSchema('certificate chain').optional().describe('Certificate, followed by the intermediate ones.'),
  })
  .transform((wire, context) => {
    const key = given(wire.key)
    const cert = given(wire.cert)
    if (key !== undefined && cert !== undefined) return { key, cert }
    if (key === undefined && cert === undefined) return undefined
    context.addIssue(`needs key and cert: ${key === undefined ? 'key' : 'cert'} is missing`)
    return z.NEVER
  })

type PemWire = z.output<ReturnType<typeof pemSchema>>

/** A part without path and content counts as not there, as in Oathkeeper. */
function given(source: PemWire | undefined): PemWire | undefined {
  return source?.path === undefined && source?.base64 === undefined ? undefined : source
}

function isBase64(text: string): boolean {
  const packed = text.replace(/\s/g, '')
  return packed !== '' && BASE64.test(packed)
}

export type TlsConfig = NonNullable<z.output<typeof tlsSchema>>
