import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get, openRaw, post, rawRequest } from '../support/raw-client.ts'
import { respond } from '../support/raw-upstream.ts'
import { deny, startTestProxy, type TestProxy } from '../support/test-proxy.ts'

const HOST = 'Host: app.example\r\n'

/** The listener answers with the status, ends the connection, and the upstream never hears of it. */
async function refused(proxy: TestProxy, raw: string, status: number | readonly number[], label = raw): Promise<void> {
  const client = openRaw(proxy.port)
  client.write(raw)
  const response = await client.response()
  assert.ok([status].flat().includes(response.status), `${JSON.stringify(label)}: got ${response.status}`)
  assert.equal(response.header('connection'), 'close', label)
  await client.closed
  client.destroy()
  assert.equal(proxy.upstream.requests.length, 0, label)
}

test('F-01: a missing, repeated, empty or invalid Host is 400', async (t) => {
  const proxy = await startTestProxy(t)
  const hosts = [
    '',
    'Host: a\r\nHost: b\r\n',
    'Host: a\r\nhost: a\r\n',
    'Host:\r\n',
    'Host: a/b@c\r\n',
    'Host: a b\r\n',
    'Host: u@a\r\n',
  ]
  for (const host of [
    ...hosts,
    'Host: a:b\r\n',
    'Host: [::1\r\n',
    'Host: a,b\r\n',
    'Host: é\r\n',
    'Host: a#b\r\n',
    'Host: a?b\r\n',
  ]) {
    await refused(proxy, `GET /x HTTP/1.1\r\n${host}\r\n`, 400)
  }
  await refused(proxy, 'GET /x HTTP/1.0\r\n\r\n', 400)
  await refused(proxy, 'GET /x\r\n\r\n', 400)
  await refused(proxy, `GET /x HTTP/2.0\r\n${HOST}\r\n`, 400)
  assert.equal((await rawRequest(proxy.port, 'GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n')).status, 200)
})

test('V-031: a Host that would break out of a Forwarded header is 400', async (t) => {
  const proxy = await startTestProxy(t)
  await refused(proxy, 'GET /x HTTP/1.1\r\nHost: a";for=1.2.3.4\r\n\r\n', 400)
})

test('F-02: the authority of an absolute target wins over Host', async (t) => {
  const { port, seen, upstream } = await startTestProxy(t)
  const response = await rawRequest(port, 'GET http://a.test/x?y HTTP/1.1\r\nHost: b.test\r\n\r\n')
  assert.equal(response.status, 200)
  assert.equal(seen[0]?.host, 'a.test')
  assert.equal(seen[0]?.path, '/x')
  assert.equal(upstream.requests[0]?.target, '/x?y')
})

test('F-02 F-29: an absolute target with a user, without a host or of another scheme is 400', async (t) => {
  const proxy = await startTestProxy(t)
  for (const target of ['http://u@a.test/', 'http://u:p@a.test/', 'http:///x', 'ftp://a.test/', 'http://a b/']) {
    await refused(proxy, `GET ${target} HTTP/1.1\r\n${HOST}\r\n`, 400)
  }
})

test('F-03 V-048: CONNECT is refused and the connection closed', async (t) => {
  const proxy = await startTestProxy(t)
  await refused(proxy, `CONNECT a.test:443 HTTP/1.1\r\n${HOST}Connection: keep-alive\r\n\r\n`, 405)
  await refused(proxy, `CONNECT a.test:443 HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc${get('/x')}`, 405)
})

test('F-04: the asterisk is for OPTIONS alone, and never reaches a rule', async (t) => {
  const proxy = await startTestProxy(t)
  await refused(proxy, `GET * HTTP/1.1\r\n${HOST}\r\n`, 400)
  const response = await rawRequest(proxy.port, `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`)
  assert.equal(response.status, 200)
  assert.equal(proxy.seen.length, 0)
})

test('F-05: a bad request line is 400, an overlong one 431', async (t) => {
  const proxy = await startTestProxy(t)
  for (const line of ['GET / HTTP/1.1 x', 'get / HTTP/1.1', 'GET /é HTTP/1.1', 'GET /\tx HTTP/1.1', 'FOO / HTTP/1.1']) {
    await refused(proxy, `${line}\r\n${HOST}\r\n`, 400)
  }
  await refused(proxy, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`, 431, 'long target')
  await refused(proxy, `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'long header')
})

test('F-06 F-07 F-08 F-21: bare CR, white space around names, folded lines, NUL are 400', async (t) => {
  const proxy = await startTestProxy(t)
  for (const line of ['X-User : a', 'X: a\rb', ' X: a', 'X: a\r\n b', 'X: a\0b', 'X', ': a', 'X: a\u0001b']) {
    await refused(proxy, `GET /x HTTP/1.1\r\n${HOST}${line}\r\n\r\n`, 400)
  }
  await refused(proxy, `GET /x HTTP/1.1\r\n \r\n${HOST}\r\n`, 400)
  await refused(proxy, `GET /x HTTP/1.1\n${HOST}\n`, 400)
})

test('F-09: Transfer-Encoding in HTTP/1.0 is refused and nothing behind it is served', async (t) => {
  const proxy = await startTestProxy(t)
  const raw = `POST /x HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get('/y')}`
  await refused(proxy, raw, 400)
})

test('F-10 V-107: Content-Length and Transfer-Encoding together are refused', async (t) => {
  const proxy = await startTestProxy(t)
  const framings = [
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 5',
    'content-length: 5\r\ntransfer-encoding: CHUNKED',
    'Content-Length: 0\r\nTransfer-Encoding: chunked',
  ]
  for (const framing of framings) {
    await refused(proxy, `POST /x HTTP/1.1\r\n${HOST}${framing}\r\n\r\n0\r\n\r\n${get('/y')}`, 400)
  }
})

test('V-107: what parsers have disagreed about is refused, and the upstream sees no request', async (t) => {
  const proxy = await startTestProxy(t)
  const heads = [
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\u000bchunked',
    'Transfer-Encoding: chunked\u000b',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding\u00a0: chunked',
    'X: y\r\n\tTransfer-Encoding: chunked',
    'X: y\nTransfer-Encoding: chunked',
    'X: y\rTransfer-Encoding: chunked',
    'Content-Length : 5',
    'Content-Length: 5\rX: y',
    'Content-Length: 5\u000b',
    'Content-Length: 0x5',
    'Content-Length:',
    'Content_Length: 5\r\nContent-Length: 6\r\nContent-Length: 5',
  ]
  for (const head of heads) {
    await refused(proxy, `POST /x HTTP/1.1\r\n${HOST}${head}\r\n\r\n0\r\n\r\n${get('/y')}`, [400, 501])
  }
  const bodies = [
    '1\na\r\n0\r\n\r\n',
    '1\r\naX0\r\n\r\n',
    '1\r\na\r\n0\r\n\rX',
    '1;a\nb\r\na\r\n0\r\n\r\n',
    '1;a\rb\r\na\r\n0\r\n\r\n',
    '0x1\r\na\r\n0\r\n\r\n',
    '\r\n1\r\na\r\n0\r\n\r\n',
  ]
  for (const body of bodies) {
    await refused(proxy, `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}${get('/y')}`, 400)
  }
})

test('F-11: a transfer coding other than chunked alone is refused', async (t) => {
  const proxy = await startTestProxy(t)
  for (const coding of [
    'gzip',
    'x',
    'chunked, gzip',
    'gzip, chunked',
    'xchunked',
    'chunked, identity',
    'chunked\r\nTransfer-Encoding: chunked',
    '',
  ]) {
    await refused(proxy, `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`, [400, 501])
  }
})

test('F-12 V-112: an invalid or repeated Content-Length is refused', async (t) => {
  const proxy = await startTestProxy(t)
  for (const length of [
    '5\r\nContent-Length: 6',
    '5\r\ncontent-length: 5',
    '+5',
    '5 5',
    '5,5',
    '-1',
    '0x5',
    '99999999999999999999',
    '',
  ]) {
    await refused(proxy, `POST /x HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\nabcde`, 400)
  }
})

test('F-13: when the client breaks off, the upstream sees no complete request', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  for (const framing of ['Content-Length: 10\r\n\r\nabcde', 'Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n']) {
    const client = openRaw(port)
    client.write(`POST /x HTTP/1.1\r\n${HOST}${framing}`)
    while (!upstream.connections.at(-1)?.received.includes('abcde')) await new Promise((r) => setTimeout(r, 5))
    client.destroy()
    const connection = upstream.connections.at(-1)
    await connection?.whenClosed
    assert.equal(upstream.requests.length, 0)
    assert.ok(!connection?.received.includes('\r\n0\r\n\r\n'))
  }
})

test('F-14 V-106: chunk sizes and chunk extensions are bounded', async (t) => {
  const proxy = await startTestProxy(t)
  const head = `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`
  await refused(proxy, `${head}11111111111111111\r\n`, 400)
  await refused(proxy, `${head}-1\r\n`, 400)
  await refused(proxy, `${head}5 \r\nabcde\r\n0\r\n\r\n`, [400, 413])
  await refused(proxy, `${head}1;${'a'.repeat(1 << 20)}`, 413, 'extension of 1 MiB')
})

test('F-15: trailers of a request never become headers', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const raw = `POST /x HTTP/1.1\r\n${HOST}Trailer: X-User\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-User: admin\r\n\r\n`
  assert.equal((await rawRequest(port, raw)).status, 200)
  assert.ok(!upstream.connections[0]?.received.includes('admin'))
  assert.equal(String(upstream.requests[0]?.body), 'a')
})

test('F-16: a body that nobody reads is drained when small, and ends the connection when large', async (t) => {
  const { port } = await startTestProxy(t, { decide: (view) => deny(view) })
  const patient = openRaw(port)
  patient.write(post('/x', 'a'.repeat(100_000)))
  assert.equal((await patient.response()).status, 401)
  patient.write(get('/y'))
  assert.equal((await patient.response()).status, 401)
  patient.destroy()

  const greedy = openRaw(port)
  greedy.write(post('/x', 'a'.repeat(4_000_000)))
  assert.equal((await greedy.response()).status, 401)
  await greedy.closed
  greedy.destroy()
})

test('F-17: pipelined requests are answered in their order', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const held: (() => void)[] = []
  upstream.script = (request, connection) => {
    if (request.target === '/slow') held.push(() => connection.write(respond('slow')))
    else {
      connection.write(respond('fast'))
      setImmediate(() => held[0]?.())
    }
  }
  const client = openRaw(port)
  client.write(get('/slow') + get('/fast'))
  assert.equal(String((await client.response()).body), 'slow')
  assert.equal(String((await client.response()).body), 'fast')
  client.destroy()
})

test('F-18: behind a request that closes the connection nothing is processed', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const client = openRaw(port)
  client.write(get('/first', 'Connection: close') + get('/second'))
  const response = await client.response()
  assert.equal(String(response.body), 'upstream')
  await client.closed
  assert.equal(client.pending.length, 0)
  assert.deepEqual(
    upstream.requests.map((request) => request.target),
    ['/first'],
  )
  client.destroy()
})

test('F-19: an HTTP/1.0 client is served, and forwarded as HTTP/1.1', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) =>
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n')
  const response = await rawRequest(port, `GET /x HTTP/1.0\r\n${HOST}\r\n`)
  assert.equal(String(response.body), 'abc')
  assert.equal(response.header('transfer-encoding'), undefined)
  assert.match(upstream.requests[0]?.head ?? '', /^GET \/x HTTP\/1\.1\r\n/)
})

test('F-22: names have no case, and unknown headers pass unchanged', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  await rawRequest(port, get('/x', 'x-CUSTOM: 1', 'Unknown-Thing:   a  b ', 'X-Dup: 1', 'X-Dup: 2', 'X-Empty:'))
  const [request] = upstream.requests
  assert.deepEqual(request?.values('x-custom'), ['1'])
  assert.deepEqual(request?.values('unknown-thing'), ['a  b'])
  assert.deepEqual(request?.values('x-dup'), ['1', '2'])
  assert.deepEqual(request?.values('x-empty'), [''])
})

test('F-23 V-005 V-044: headers named in Connection are removed before ours are added', async (t) => {
  const { port, upstream, seen } = await startTestProxy(t, {
    headers: { 'X-User': 'guest', 'X-Id': '7', Cookie: 'ours=1' },
  })
  const lines = [
    'X-User: root',
    'Authorization: Bearer x',
    'Cookie: a=1',
    'X-Other: 1',
    'TE: trailers, gzip',
    'Keep-Alive: 5',
  ]
  const connections = [
    'Connection: close, X-User, x-id, Authorization, Cookie',
    'Connection: keep-alive\r\nConnection: x-USER,x-other , AUTHORIZATION\r\nconnection: cookie,X-ID',
    'Connection: host, content-length, transfer-encoding, x-user, x-id, cookie, authorization',
  ]
  for (const connection of connections) {
    assert.equal(
      (await rawRequest(port, get('/x', ...lines, connection, 'Proxy-Connection: x', 'Proxy-Authorization: y'))).status,
      200,
    )
    const request = upstream.requests.at(-1)
    assert.deepEqual(request?.values('x-user'), ['guest'], connection)
    assert.deepEqual(request?.values('x-id'), ['7'])
    assert.deepEqual(request?.values('cookie'), ['ours=1'])
    assert.deepEqual(request?.values('authorization'), [])
    assert.deepEqual(request?.values('te'), ['trailers'])
    for (const gone of ['keep-alive', 'proxy-connection', 'proxy-authorization', 'upgrade'])
      assert.deepEqual(request?.values(gone), [])
    assert.equal(seen.at(-1)?.headers.has('authorization'), false, 'the pipeline does not see it either')
  }
})

test('F-24: OPTIONS with Max-Forwards 0 is answered here', async (t) => {
  const { port, seen, upstream } = await startTestProxy(t)
  const options = (hops: string): string => `OPTIONS /x HTTP/1.1\r\n${HOST}Max-Forwards: ${hops}\r\n\r\n`
  assert.equal((await rawRequest(port, options('0'))).status, 200)
  assert.equal(seen.length, 0)
  assert.equal((await rawRequest(port, options('5'))).status, 200)
  assert.deepEqual(upstream.requests[0]?.values('max-forwards'), ['4'])
})

test('F-27: TRACE is not supported and reflects nothing', async (t) => {
  const proxy = await startTestProxy(t)
  await refused(proxy, `TRACE /x HTTP/1.1\r\n${HOST}X-Secret: s3cr3t\r\n\r\n`, 405)
})

test('F-28: the decision comes before 100 Continue', async (t) => {
  const { port, upstream } = await startTestProxy(t, {
    decide: (view, grant) => (view.path === '/no' ? deny(view) : grant()),
  })
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`
  const refusedClient = openRaw(port)
  refusedClient.write(head('/no'))
  assert.match(await refusedClient.nextHead(), /^HTTP\/1\.1 401 /)
  await refusedClient.closed
  refusedClient.destroy()

  const client = openRaw(port)
  client.write(head('/yes'))
  assert.equal(await client.nextHead(), 'HTTP/1.1 100 Continue')
  client.write('hello')
  assert.equal((await client.response()).status, 200)
  client.destroy()
  assert.equal(String(upstream.requests[0]?.body), 'hello')
  assert.deepEqual(upstream.requests[0]?.values('expect'), [])
})

test('an expectation that nobody knows is 417', async (t) => {
  const proxy = await startTestProxy(t)
  await refused(proxy, `POST /x HTTP/1.1\r\n${HOST}Expect: foo\r\nContent-Length: 0\r\n\r\n`, 417)
})

test('F-31: headers that an upstream would refuse for ever are not sent', async (t) => {
  const { port, upstream } = await startTestProxy(t, { headers: { 'X-Claims': 'a'.repeat(60_000) } })
  assert.equal((await rawRequest(port, get('/x'))).status, 431)
  assert.equal(upstream.requests.length, 0)
})

test('F-21 V-109: a value that would split the message is never sent', async (t) => {
  for (const value of ['a\r\nX-Evil: 1', 'a\nb', 'a\0b', 'a\u010a\u010db']) {
    const { port, upstream, close } = await startTestProxy(t, { headers: { 'X-User': value } })
    const response = await rawRequest(port, get('/x'))
    assert.equal(response.status, 502, JSON.stringify(value))
    assert.equal(upstream.requests.length, 0)
    await close()
  }
})

test('F-33 V-003 V-024: the path that arrives is the path that was matched', async (t) => {
  const { port, upstream, seen } = await startTestProxy(t)
  const cases: [target: string, path: string, forwarded: string][] = [
    ['/public/../admin/secrets', '/admin/secrets', '/admin/secrets'],
    ['/public/%2e%2e/admin', '/admin', '/admin'],
    ['//evil.test/x', '/evil.test/x', '/evil.test/x'],
    ['/x/..%2fadmin', '/admin', '/admin'],
    ['/a%2fb', '/a/b', '/a%2fb'],
    ['/a%252fb', '/a%2fb', '/a%252fb'],
    ['/a%3fb?c', '/a?b', '/a%3fb?c'],
    ['/a%23b', '/a#b', '/a%23b'],
    ['/x/../a%3fb', '/a?b', '/a%3fb'],
  ]
  for (const [target, path, forwarded] of cases) {
    assert.equal((await rawRequest(port, get(target))).status, 200)
    assert.equal(seen.at(-1)?.path, path)
    assert.equal(upstream.requests.at(-1)?.target, forwarded)
  }
})

test('V-018 V-051: a fragment, a backslash or a broken encoding in the target is 400', async (t) => {
  const proxy = await startTestProxy(t)
  for (const target of ['/foo/secret#/bar', '/public\\..\\admin', '/%zz', '/%', '/a?b#c']) {
    await refused(proxy, get(target), 400)
  }
})

test('strict paths refuse encoded slashes, backslashes, dots and NUL', async (t) => {
  const proxy = await startTestProxy(t, { options: { strictPaths: true } })
  for (const target of ['/a%2fb', '/a%5Cb', '/%2e%2e/a', '/a%00']) await refused(proxy, get(target), 400)
})

test('V-101: headers beyond any count are visible, and frame the message', async (t) => {
  const { port, upstream, seen } = await startTestProxy(t, { headers: { 'X-User': 'guest' } })
  const many = Array.from({ length: 2_100 }, () => 'a:b')
  const response = await rawRequest(
    port,
    post('/x', 'abc', ...many, 'Authorization: Bearer x', 'Cookie: c=d', 'X-User: root'),
  )
  assert.equal(response.status, 200)
  assert.equal(seen[0]?.headers.get('authorization'), 'Bearer x')
  assert.equal(String(upstream.requests[0]?.body), 'abc')
  assert.deepEqual(upstream.requests[0]?.values('x-user'), ['guest'])
  assert.deepEqual(upstream.requests[0]?.values('cookie'), ['c=d'])
})

test('V-103: names of object members are ordinary header names', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString']
  const response = await rawRequest(
    port,
    get('/x?__proto__=1', ...names.map((name) => `${name}: x`), 'Cookie: __proto__=1'),
  )
  assert.equal(response.status, 200)
  assert.deepEqual(upstream.requests[0]?.values('__proto__'), ['x'])
})

test('more than one Authorization header is 400', async (t) => {
  const proxy = await startTestProxy(t)
  await refused(proxy, get('/x', 'Authorization: a', 'authorization: b'), 400)
})

test('a body above the limit is 413, announced or not', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: { maxBodySize: 10 } })
  assert.equal((await rawRequest(port, post('/x', 'a'.repeat(11)))).status, 413)
  assert.equal((await rawRequest(port, post('/x', 'a'.repeat(10)))).status, 200)
  const chunks =
    'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\naaaaaaaa\r\n8\r\naaaaaaaa\r\n0\r\n\r\n'
  assert.equal((await rawRequest(port, chunks)).status, 413)
  const client = openRaw(port)
  client.write(post('/x', 'a'.repeat(2_000_000)))
  assert.equal((await client.response()).status, 413)
  await client.closed
  assert.equal(upstream.requests.length, 1)
})

test('V-081 V-082: broken Cookie headers do no harm, and what is forwarded is well-formed', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const cases: [sent: string, forwarded: string | undefined][] = [
    [';', ';'],
    ['=', '='],
    ['==', '=='],
    [';;;', ';;;'],
    ['oathkeeper', undefined],
    ['oathkeeper=', undefined],
    ['oathkeeper=ticket', undefined],
    ['a=1; oathkeeper=ticket; b=2', 'a=1; b=2'],
    ['oathkeeper=x;;a=1;', 'a=1'],
    ['a=1; oathkeeper = x', 'a=1'],
    ['Oathkeeper=1; oathkeeperx=2', 'Oathkeeper=1; oathkeeperx=2'],
    ['oathkeeper-login-abc=1; oathkeeper=2; oathkeeper=3', undefined],
    ['a="oathkeeper=1"', 'a="oathkeeper=1"'],
    ['\u00ff=\u00ff; oathkeeper=1', '\u00ff=\u00ff'],
    [
      Array.from({ length: 900 }, (_, i) => `sid.${i}=1`).join('; '),
      Array.from({ length: 900 }, (_, i) => `sid.${i}=1`).join('; '),
    ],
  ]
  for (const [sent, forwarded] of cases) {
    assert.equal((await rawRequest(port, get('/x', `Cookie: ${sent}`))).status, 200)
    assert.deepEqual(upstream.requests.at(-1)?.values('cookie'), forwarded === undefined ? [] : [forwarded], sent)
  }
})

test('the session cookie is not sent upstream by way of a mutator either', async (t) => {
  const { port, upstream } = await startTestProxy(t, { headers: { Cookie: 'oathkeeper=ticket; a=1' } })
  await rawRequest(port, get('/x'))
  assert.deepEqual(upstream.requests[0]?.values('cookie'), ['a=1'])
})

test('V-119: bodies arrive once and byte-identical, however they are sent', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const bodies = [
    '',
    'a=b&c=%20',
    '{"a":[1]}',
    '\u0000\u00ff\r\n\r\n0\r\n\r\n',
    '--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n',
  ]
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS']) {
    for (const body of bodies) {
      const request = post('/x', body).replace('POST', method)
      assert.equal((await rawRequest(port, request)).status, 200, method)
      assert.equal(upstream.requests.at(-1)?.body.toString('latin1'), body)
    }
  }
  const chunked = `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`
  await rawRequest(port, chunked)
  assert.equal(String(upstream.requests.at(-1)?.body), 'abcde')
  assert.equal(upstream.requests.length, 6 * bodies.length + 1)
})

test('a body that a step of the pipeline read is forwarded all the same', async (t) => {
  const { port, upstream } = await startTestProxy(t, {
    decide: async (view, grant) => {
      await view.readBody(1_000)
      return grant()
    },
  })
  await rawRequest(port, post('/x', 'hello'))
  assert.equal(String(upstream.requests[0]?.body), 'hello')
  assert.deepEqual(upstream.requests[0]?.values('content-length'), ['5'])
})

test('H-05: the listener names neither itself nor its version, and has no routes of its own', async (t) => {
  const { port, seen } = await startTestProxy(t, { decide: (view) => deny(view) })
  for (const path of ['/metrics', '/health/alive', '/rules', '/debug']) {
    const response = await rawRequest(port, get(path))
    assert.equal(response.status, 401)
    for (const name of ['server', 'x-powered-by', 'via']) assert.equal(response.header(name), undefined)
  }
  assert.equal(seen.length, 4)
})

test('H-01 H-02: what the listener itself says is typed, and cannot be framed or cached', async (t) => {
  const { port } = await startTestProxy(t)
  const response = await rawRequest(port, 'GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n')
  assert.equal(response.header('content-type'), 'application/json')
  assert.deepEqual(JSON.parse(String(response.body)), {
    error: { code: 400, status: 'Bad Request', message: 'The Host header is not a host' },
  })
  assert.equal(response.header('x-content-type-options'), 'nosniff')
  assert.match(response.header('content-security-policy') ?? '', /frame-ancestors 'none'/)
  assert.equal(response.header('cache-control'), 'no-store')
})

test('H-07: a page of ours is not kept by a cache, whatever its path looks like', async (t) => {
  const page = { status: 200, headers: [['Content-Type', 'text/html; charset=utf-8']] as const, body: '<p>alice</p>' }
  const { port } = await startTestProxy(t, {
    local: { handles: (path) => path.startsWith('/.oathkeeper/'), handle: () => page },
  })
  for (const path of ['/.oathkeeper/session/x.css', '/.oathkeeper/session%2f..%2fx.js', '/.oathkeeper/session;x.png']) {
    assert.equal((await rawRequest(port, get(path))).header('cache-control'), 'no-store', path)
  }
})
