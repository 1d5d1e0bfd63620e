import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign as cryptoSign } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { CompactEncrypt, exportJWK, SignJWT, UnsecuredJWT } from 'jose'
import { ASYMMETRIC_ALGORITHMS, type AlgorithmName } from './algorithms.ts'
import { createSecretKeySource, type KeySource, parseJwks, selectKeys } from './key-set.ts'
import { readToken, TokenError, verifyToken, type VerifyOptions } from './verify.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ec384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ec521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
const ed = generateKeyPairSync('ed25519')

async function source(...keys: { key: KeyObject; kid?: string; alg?: string }[]): Promise<KeySource> {
  const jwks = await Promise.all(
    keys.map(async ({ key, kid, alg }) => ({ ...(await exportJWK(key)), ...(kid && { kid }), ...(alg && { alg }) })),
  )
  const parsed = parseJwks({ keys: jwks })
  return { find: (algorithm, kid) => selectKeys(parsed, algorithm, kid) }
}

const ALL = [
  { key: rsa.publicKey, kid: 'rsa' },
  { key: ec256.publicKey, kid: 'ec256' },
  { key: ec384.publicKey, kid: 'ec384' },
  { key: ec521.publicKey, kid: 'ec521' },
  { key: ed.publicKey, kid: 'ed' },
]

async function options(change: Partial<VerifyOptions> = {}): Promise<VerifyOptions> {
  return {
    algorithms: ASYMMETRIC_ALGORITHMS,
    acceptsType: (typ) => typ === undefined || typ === 'jwt',
    keys: await source(...ALL),
    ...change,
  }
}

const sign = (header: Record<string, unknown>, key: KeyObject = rsa.privateKey) =>
  new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'RS256', ...header }).sign(key)

const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token of exactly these bytes, rightly signed with the RSA key. */
function raw(header: string | object, payload: string | Buffer | object): string {
  const body = Buffer.isBuffer(payload) ? payload.toString('base64url') : part(payload)
  const input = `${part(header)}.${body}`
  return `${input}.${cryptoSign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url')}`
}

async function refuses(token: string, change: Partial<VerifyOptions> = {}, message?: RegExp): Promise<void> {
  const verifyOptions = await options(change)
  await assert.rejects(
    async () => verifyToken(token, verifyOptions),
    (error: unknown) => {
      assert.ok(error instanceof TokenError, String(error))
      if (message !== undefined) assert.match(error.message, message)
      return true
    },
  )
}

const good: [AlgorithmName, KeyObject, string][] = [
  ['RS256', rsa.privateKey, 'rsa'],
  ['RS384', rsa.privateKey, 'rsa'],
  ['RS512', rsa.privateKey, 'rsa'],
  ['PS256', rsa.privateKey, 'rsa'],
  ['PS384', rsa.privateKey, 'rsa'],
  ['PS512', rsa.privateKey, 'rsa'],
  ['ES256', ec256.privateKey, 'ec256'],
  ['ES384', ec384.privateKey, 'ec384'],
  ['ES512', ec521.privateKey, 'ec521'],
  ['EdDSA', ed.privateKey, 'ed'],
  ['Ed25519', ed.privateKey, 'ed'],
]
for (const [alg, key, kid] of good) {
  test(`${alg} is verified`, async () => {
    const { algorithm, claims } = await verifyToken(await sign({ alg, kid, typ: 'JWT' }, key), await options())
    assert.deepEqual([algorithm, claims], [alg, { sub: 'alice' }])
    const changed = await sign({ alg, kid }, key)
    await refuses(`${changed.slice(0, -4)}${changed.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`)
  })
}

test('B-04: a flipped bit, a missing and an empty signature are refused', async () => {
  const token = await sign({})
  const bytes = Buffer.from(token.split('.')[2]!, 'base64url')
  bytes[7]! ^= 1
  const [header, payload] = token.split('.')
  await refuses(`${header}.${payload}.${bytes.toString('base64url')}`, {}, /signature is wrong/)
  await refuses(`${header}.${payload}.`, {}, /not base64url/)
  await refuses(`${header}.${payload}`, {}, /three parts/)
  await refuses(`${header}.${part({ sub: 'mallory' })}.${token.split('.')[2]}`, {}, /signature is wrong/)
})

for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'RS256 ', 'rs256', 'constructor', '__proto__', 'toString']) {
  test(`B-05: alg "${alg}" is refused`, async () => {
    await refuses(`${part({ alg })}.${part({ sub: 'alice' })}.${part('x')}`, {}, /algorithm is not accepted/)
    await refuses(raw({ alg }, { sub: 'alice' }), {}, /algorithm is not accepted/)
  })
}

test('B-05: an unsecured token is refused', async () => {
  await refuses(new UnsecuredJWT({ sub: 'alice' }).encode())
})

test('B-05: V-121: V-122: HS256 with the public key as secret is refused, whatever its form', async () => {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string
  const der = rsa.publicKey.export({ type: 'spki', format: 'der' })
  const jwk = JSON.stringify(await exportJWK(rsa.publicKey))
  for (const secret of [
    pem,
    pem.trim(),
    `\n ${pem}`,
    der,
    jwk,
    '',
    rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }),
  ]) {
    const input = `${part({ alg: 'HS256' })}.${part({ sub: 'alice' })}`
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    await refuses(token, {}, /algorithm is not accepted/)
    // Even where somebody configures the secret algorithm by mistake, a public key verifies no MAC.
    await refuses(token, { algorithms: ['HS256', 'RS256'] }, /no key/)
  }
})

test('B-05: a key serves only the algorithms of its type and curve', async () => {
  for (const [alg, kid] of [
    ['ES256', 'rsa'],
    ['ES256', 'ec384'],
    ['ES384', 'ec256'],
    ['RS256', 'ec256'],
    ['EdDSA', 'rsa'],
  ] as const) {
    const input = `${part({ alg, kid })}.${part({ sub: 'alice' })}`
    const token = `${input}.${cryptoSign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url')}`
    await refuses(token, {}, /no key/)
  }
})

test('B-05: the alg of a JWK binds it; a JWK without one serves what is configured only', async () => {
  const bound = await source({ key: rsa.publicKey, alg: 'RS256' })
  await refuses(await sign({ alg: 'PS256' }), { keys: bound }, /no key/)
  const free = await source({ key: rsa.publicKey })
  await verifyToken(await sign({ alg: 'RS256' }), await options({ keys: free, algorithms: ['RS256'] }))
  await refuses(await sign({ alg: 'PS256' }), { keys: free, algorithms: ['RS256'] }, /not accepted/)
})

const mac = (key: string) => new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key))

test('B-06: with HS256 only the configured secret verifies', async () => {
  const secret = 'a client secret of at least 32 bytes'
  const hs = { algorithms: ['HS256'], keys: createSecretKeySource(secret) } as const
  assert.equal((await verifyToken(await mac(secret), await options(hs))).claims['sub'], 'alice')
  await refuses(await mac(`${secret}.`), hs, /signature is wrong/)
  await refuses(await mac(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string), hs, /signature is wrong/)
  const input = `${part({ alg: 'HS256' })}.${part({ sub: 'alice' })}`
  await refuses(`${input}.${createHmac('sha256', '').update(input).digest('base64url')}`, hs, /signature is wrong/)
  await refuses(await sign({ alg: 'RS256' }), hs, /algorithm is not accepted/)
})

test('B-15: jku, x5u, jwk and x5c of the header are ignored and nothing is fetched', async (t) => {
  let connections = 0
  const canary = createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done))
  t.after(() => canary.close())
  const url = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/`
  const mallory = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const hints = { jku: url, x5u: url, x5c: ['MIIB'], jwk: await exportJWK(mallory.publicKey) }
  await refuses(await sign(hints, mallory.privateKey), {}, /signature is wrong/)
  assert.equal((await verifyToken(await sign(hints), await options())).claims['sub'], 'alice')
  assert.equal(connections, 0)
})

for (const typ of ['at+jwt', 'logout+jwt', 'secevent+jwt', 'application/at+jwt', 'JOSE', 7, null, ['JWT']]) {
  test(`B-16: typ ${JSON.stringify(typ)} is not an ID token`, () =>
    refuses(raw({ alg: 'RS256', typ }, { sub: 'alice' })))
}

for (const header of [
  { crit: ['x'], x: 1 },
  { crit: [] },
  { b64: false, crit: ['b64'] },
  { b64: false },
  { b64: true },
]) {
  test(`B-17: ${JSON.stringify(header)} is refused`, () =>
    refuses(raw({ alg: 'RS256', ...header }, { sub: 'alice' }), {}, /extensions/))
}

test('B-19: what two parsers could read differently is refused', async () => {
  await refuses(raw({ alg: 'RS256' }, '{"sub":"alice","sub":"bob"}'), {}, /repeated key/)
  await refuses(raw({ alg: 'RS256' }, '{"exp":1,"exp":9999999999}'), {}, /repeated key/)
  await refuses(raw('{"alg":"RS256","alg":"none"}', { sub: 'alice' }), {}, /repeated key/)
  await refuses(raw({ alg: 'RS256' }, Buffer.from('{"sub":"alice"}', 'utf16le')))
  await refuses(raw({ alg: 'RS256' }, Buffer.from('\ufeff{"sub":"alice"}')))
  await refuses(raw({ alg: 'RS256' }, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), {}, /UTF-8/)
  await refuses(raw({ alg: 'RS256' }, '{"sub":"alice"}{}'))
  await refuses(raw({ alg: 'RS256' }, '["alice"]'), {}, /not an object/)
  await refuses(raw({ alg: 'RS256' }, 'null'), {}, /not an object/)
})

test('B-19: base64 in another alphabet, with padding or with loose bits is refused', async () => {
  const token = await sign({})
  await refuses(`${token}=`, {}, /base64url/)
  await refuses(`${token}\n`, {}, /base64url/)
  await refuses(` ${token}`, {}, /base64url/)
  // 256 bytes end in a character of which only two bits count.
  const last = token.at(-1)!
  const loose = String.fromCharCode(last.charCodeAt(0) + 1)
  await refuses(token.slice(0, -1) + loose, {}, /base64url/)
  const [header, payload, signature] = token.split('.')
  if (/[-_]/.test(signature!)) {
    await refuses(`${header}.${payload}.${signature!.replaceAll('-', '+').replaceAll('_', '/')}`, {}, /base64url/)
  }
})

test('B-20: oversize and odd shapes are refused before any key is asked', async () => {
  const keys: KeySource = {
    find() {
      throw new Error('asked for a key')
    },
  }
  const started = performance.now()
  for (const token of [
    `${await sign({})}${'A'.repeat(64 * 1024)}`,
    'A'.repeat(1024 * 1024),
    '.'.repeat(100_000),
    '.'.repeat(40_000),
    `${part({ alg: 'RS256', pad: 'x'.repeat(8192) })}.e30.AA`,
    '',
    '..',
    `${part({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2 ** 31, p2s: 'AA' })}.AA.AA.AA.AA`,
  ]) {
    await refuses(token, { keys })
  }
  assert.ok(performance.now() - started < 50)
})

test('V-125: a JWE is refused', async () => {
  const jwe = await new CompactEncrypt(Buffer.alloc(1000))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(Buffer.alloc(32, 1))
  await refuses(jwe, {}, /three parts/)
})

test('V-104: a payload of 100,000 levels is refused', () =>
  refuses(raw({ alg: 'RS256' }, `{"a":${'['.repeat(15_000)}${']'.repeat(15_000)}}`), {}, /nested deeper/))

test('a kid that is no string is refused', () => refuses(raw({ alg: 'RS256', kid: 1 }, {}), {}, /kid/))

const isPlain = (typ: string | undefined) => typ === undefined || typ === 'jwt'

test('a token whose sender is known is read without a key, and just as strictly', () => {
  const token = (header: unknown) => `${part(header)}.${part({ sub: 'alice' })}.c2ln`
  assert.deepEqual(readToken(token({ alg: 'RS256' }), isPlain), { algorithm: 'RS256', claims: { sub: 'alice' } })
  assert.equal(readToken(token({ alg: 'none' }), isPlain).algorithm, undefined)
  for (const header of [
    { alg: 'RS256', typ: 'logout+jwt' },
    { alg: 'RS256', crit: ['x'] },
    { alg: 'RS256', typ: 1 },
  ]) {
    assert.throws(() => readToken(token(header), isPlain), TokenError, JSON.stringify(header))
  }
  assert.throws(() => readToken('a.b', isPlain), TokenError)
})
