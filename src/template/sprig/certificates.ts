import { type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'
import { bytesOf, stringOf } from '../../lib/go-string.ts'
import { itemsOf } from '../values/collection.ts'
import { costly, fn, type GoFunc } from '../values/func.ts'
import { ANY_LIST, INT, STRING, structParam } from '../values/param.ts'
import { GoStruct, type StructType, type Value } from '../values/value.ts'
import { decodeBase64 } from './encoding.ts'
import { generatePrivateKey, parsePrivateKey, pemOf, rsaKey, toPem } from './private-keys.ts'
import { createCertificate, type Issuer, issuerOf } from './x509.ts'

interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Making a key takes from some hundred milliseconds to seconds: one in a rendering is enough. */
const ONCE = 600_000
const RSA_BITS = 2048
const DAY_MS = 86_400_000

const CERTIFICATE: StructType = {
  name: 'sprig.certificate',
  fields: [
    { name: 'Cert', get: (self) => (self as Certificate).cert },
    { name: 'Key', get: (self) => (self as Certificate).key },
  ],
  methods: new Map(),
}
const CA = structParam(CERTIFICATE, false)

/** Keys and certificates. */
export function certificateFunctions(clock: Clock): Readonly<Record<string, GoFunc>> {
  const make = (
    name: string,
    ips: Value,
    dns: Value,
    days: bigint,
    key: KeyObject,
    isCa: boolean,
    issuer?: Issuer,
  ): Value => {
    const from = clock.now()
    const request = {
      commonName: name,
      ipAddresses: addressesOf(ips),
      dnsNames: namesOf(dns),
      isCa,
      from,
      until: from + Number(days) * DAY_MS,
    }
    return certificate(toPem('CERTIFICATE', createCertificate(request, key, issuer)), pemOf(key))
  }
  const once = (func: GoFunc): GoFunc => costly(func, () => ONCE)
  return {
    buildCustomCert: fn([STRING, STRING], buildCustom),
    genCA: once(fn([STRING, INT], (name, days) => make(name, null, null, days, rsaKey(RSA_BITS), true))),
    genCAWithKey: fn([STRING, INT, STRING], (name, days, pem) => make(name, null, null, days, keyOf(pem), true)),
    genPrivateKey: costly(fn([STRING], generatePrivateKey), ([type]) =>
      type === 'ecdsa' || type === 'ed25519' ? 1000 : ONCE,
    ),
    genSelfSignedCert: once(
      fn([STRING, ANY_LIST, ANY_LIST, INT], (name, ips, dns, days) =>
        make(name, ips, dns, days, rsaKey(RSA_BITS), false),
      ),
    ),
    genSelfSignedCertWithKey: fn([STRING, ANY_LIST, ANY_LIST, INT, STRING], (name, ips, dns, days, pem) =>
      make(name, ips, dns, days, keyOf(pem), false),
    ),
    genSignedCert: once(
      fn([STRING, ANY_LIST, ANY_LIST, INT, CA], (name, ips, dns, days, ca) =>
        make(name, ips, dns, days, rsaKey(RSA_BITS), false, issuerFrom(ca)),
      ),
    ),
    genSignedCertWithKey: fn([STRING, ANY_LIST, ANY_LIST, INT, CA, STRING], (name, ips, dns, days, ca, pem) =>
      make(name, ips, dns, days, keyOf(pem), false, issuerFrom(ca)),
    ),
  }
}

function certificate(cert: string, key: string): GoStruct {
  return new GoStruct(CERTIFICATE, false, { cert, key })
}

function keyOf(pem: string): KeyObject {
  return attempt('parsing private key', () => parsePrivateKey(pem))
}

function issuerFrom(ca: GoStruct): Issuer {
  const { cert, key } = ca.self as Certificate
  const signer = attempt('error parsing private key', () => parsePrivateKey(key))
  return issuerOf(parseCertificate(cert).raw, signer)
}

function parseCertificate(pem: string): X509Certificate {
  if (!pem.includes('-----BEGIN')) throw new Error('unable to decode certificate')
  return attempt('error parsing certificate: decodedCert.Bytes', () => new X509Certificate(pem))
}

function decoded(text: string, what: string): string {
  try {
    return stringOf(decodeBase64(text))
  } catch (cause) {
    throw new Error(`unable to decode base64 ${what}`, { cause })
  }
}

function buildCustom(encodedCert: string, encodedKey: string): Value {
  const cert = decoded(encodedCert, 'certificate')
  const key = decoded(encodedKey, 'private key')
  parseCertificate(cert)
  attempt('error parsing private key', () => parsePrivateKey(key))
  return certificate(cert, key)
}

function addressesOf(value: Value): string[] {
  return (itemsOf(value) ?? []).map((item) => {
    if (typeof item !== 'string') throw new Error('error parsing ip: not a string')
    if (isIP(item) === 0) throw new Error('error parsing ip')
    return item
  })
}

function namesOf(value: Value): string[] {
  return (itemsOf(value) ?? []).map((item) => {
    if (typeof item !== 'string') {
      throw new Error('error processing alternate dns name: not a string')
    }
    return bytesOf(item).toString('latin1')
  })
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
