import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { bitString, der, integer, oid, readDer, sequence, time } from './der.ts'

/** What a certificate says. */
export interface CertificateRequest {
  readonly commonName: string
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly isCa: boolean
  /** ms since the epoch. */
  readonly from: number
  readonly until: number
}

/** Who signs: a name as it stands in the signer's certificate, and the id of its key. */
export interface Issuer {
  readonly name: Buffer
  readonly keyId: Buffer | undefined
  readonly key: KeyObject
}

const DIGITAL_SIGNATURE = 0x80
const KEY_ENCIPHERMENT = 0x20
const CERT_SIGN = 0x04
const SUBJECT_KEY_ID = '2.5.29.14'

/**
 * Makes an X.509 certificate as Go's x509.CreateCertificate does.
 * @param issuer `undefined`: it signs itself
 * @see [RFC 5280 §4](https://www.rfc-editor.org/rfc/rfc5280.html#section-4)
 */
export function createCertificate(request: CertificateRequest, key: KeyObject, issuer?: Issuer): Buffer {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const subject = nameOf(request.commonName)
  const keyId = request.isCa ? keyIdOf(publicKey) : undefined
  const signer = issuer ?? { name: subject, keyId, key }
  const { identifier, digest } = algorithmOf(signer.key)
  const signed = sequence(
    der(0xa0, integer(2n)),
    integer(BigInt(`0x${randomBytes(16).toString('hex')}`)),
    identifier,
    signer.name,
    sequence(time(request.from), time(request.until)),
    subject,
    publicKey,
    der(0xa3, sequence(...extensionsOf(request, keyId, issuer === undefined ? undefined : signer.keyId))),
  )
  return sequence(signed, identifier, bitString(sign(digest, signed, signer.key)))
}

/** The issuer that a certificate and its key make. */
export function issuerOf(certificate: Buffer, key: KeyObject): Issuer {
  const body = readDer(readDer(readDer(certificate)[0]?.body ?? Buffer.alloc(0))[0]?.body ?? Buffer.alloc(0))
  const [subject] = body.slice(body[0]?.tag === 0xa0 ? 5 : 4)
  const extensions = body.find(({ tag }) => tag === 0xa3)
  if (subject === undefined) throw new Error('unable to decode certificate')
  const list = extensions === undefined ? [] : readDer(readDer(extensions.body)[0]?.body ?? Buffer.alloc(0))
  const id = list.map(({ body: parts }) => readDer(parts)).find(([name]) => name?.raw.equals(oid(SUBJECT_KEY_ID)))
  const value = id?.at(-1)
  return { name: subject.raw, keyId: value === undefined ? undefined : readDer(value.body)[0]?.body, key }
}

function nameOf(commonName: string): Buffer {
  const isPrintable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(commonName)
  const text = der(isPrintable ? 0x13 : 0x0c, Buffer.from(commonName, 'utf8'))
  return commonName === '' ? sequence() : sequence(der(0x31, sequence(oid('2.5.4.3'), text)))
}

function keyIdOf(publicKey: Buffer): Buffer {
  const bits = readDer(readDer(publicKey)[0]?.body ?? Buffer.alloc(0))[1]?.body ?? Buffer.alloc(1)
  return createHash('sha256').update(bits.subarray(1)).digest().subarray(0, 20)
}

function algorithmOf(key: KeyObject): { identifier: Buffer; digest: string | null } {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { identifier: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)), digest: 'sha256' }
    case 'ec': {
      const curve = key.asymmetricKeyDetails?.namedCurve
      const size = curve === 'secp384r1' ? 384 : curve === 'secp521r1' ? 512 : 256
      return {
        identifier: sequence(oid(`1.2.840.10045.4.3.${{ 256: 2, 384: 3, 512: 4 }[size]}`)),
        digest: `sha${size}`,
      }
    }
    case 'ed25519':
      return { identifier: sequence(oid('1.3.101.112')), digest: null }
    default:
      throw new Error('error creating certificate: x509: only RSA, ECDSA and Ed25519 keys supported')
  }
}

function extensionsOf(request: CertificateRequest, keyId: Buffer | undefined, issuerId: Buffer | undefined): Buffer[] {
  const usage = DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | (request.isCa ? CERT_SIGN : 0)
  const extensions = [
    extension('2.5.29.15', bitString(Buffer.from([usage]), request.isCa ? 2 : 5), true),
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.19', request.isCa ? sequence(der(0x01, Buffer.from([0xff]))) : sequence(), true),
  ]
  if (keyId !== undefined) extensions.push(extension(SUBJECT_KEY_ID, der(0x04, keyId)))
  if (issuerId !== undefined) extensions.push(extension('2.5.29.35', sequence(der(0x80, issuerId))))
  const names = [
    ...request.dnsNames.map((name) => der(0x82, Buffer.from(name, 'latin1'))),
    ...request.ipAddresses.map((address) => der(0x87, addressBytes(address))),
  ]
  if (names.length > 0) extensions.push(extension('2.5.29.17', sequence(...names)))
  return extensions
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : []
  return sequence(oid(id), ...critical, der(0x04, value))
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  // The parser of URLs writes the address out, and a tail in the form of IPv4 as numbers.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [front, back] = [groups(head), groups(tail)]
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

function groups(text: string | undefined): number[] {
  return text === undefined || text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
