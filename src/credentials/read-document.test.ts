import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { startFakeS3 } from '../../test/support/fake-s3.ts'
import { setEnv } from '../../test/support/fake-store.ts'
import { createOutbound } from '../lib/outbound.ts'
import { createDocumentReader } from './read-document.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

test('a file is read by its URL, absolute or relative, and by its path', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'document-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'my keys.json')
  await writeFile(path, '{}')
  const outbound = createOutbound({ timeoutMs: 1000, maxBytes: 100 })
  t.after(() => outbound.close())
  const reader = createDocumentReader(outbound)
  const fromHere = relative(process.cwd(), path)
  for (const location of [`file://${path}`, `FILE://${path}`, path.replace(' ', '%20').replace(/^/, 'file://'), path]) {
    assert.equal(text(await reader.read(location)), '{}', location)
  }
  for (const location of [fromHere, `file://${fromHere}`, `file://./${fromHere}`]) {
    assert.equal(text(await reader.read(location)), '{}', location)
  }
  await assert.rejects(reader.read(`file://${folder}/nope.json`), /nope\.json cannot be read \(ENOENT\)$/)
})

test('A-34: a document is fetched as it is: a redirect and any other status than 200 is none', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/moved?q=1') response.writeHead(302, { location: '/keys' }).end()
    else if (request.url === '/keys') response.end('{}')
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const outbound = createOutbound({ timeoutMs: 1000, maxBytes: 100 })
  t.after(async () => {
    await outbound.close()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const reader = createDocumentReader(outbound)
  assert.equal(text(await reader.read(`${base}/keys`)), '{}')
  await assert.rejects(reader.read(`${base}/moved?q=1`), { message: `${base}/moved answered with status 302` })
  await assert.rejects(reader.read(`${base}/nope`), /status 404/)
})

test('a scheme that cannot be read is told before anything is read', () => {
  const reader = createDocumentReader({ call: () => assert.fail('nothing is called') })
  assert.throws(
    () => reader.check('ftp://h/keys'),
    /^Error: keys cannot be read by "ftp:\/\/"; supported are file:\/\//,
  )
  assert.doesNotThrow(() => reader.check('file:///keys'))
})

test('a document is read from an object store by one client', async (t) => {
  const store = await startFakeS3(t)
  setEnv(t, store.env)
  store.objects.set('keys/jwks.json', Buffer.from('{}'))
  const reader = createDocumentReader({ call: () => assert.fail('nothing is called') })
  reader.check('s3://keys/jwks.json')
  assert.equal(text(await reader.read('s3://keys/jwks.json')), '{}')
  store.objects.set('keys/jwks.json', Buffer.alloc(1024 * 1024 + 1))
  await assert.rejects(reader.read('s3://keys/jwks.json'), {
    message: 's3://keys/jwks.json has more than 1048576 bytes',
  })
  assert.throws(() => reader.check('s3://keys'), /^Error: must name a bucket and a key/)
})
