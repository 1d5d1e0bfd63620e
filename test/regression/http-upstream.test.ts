import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get, openRaw, post, rawRequest } from '../support/raw-client.ts'
import { respond, startRawUpstream, type UpstreamConnection } from '../support/raw-upstream.ts'
import { deny, startTestProxy } from '../support/test-proxy.ts'

const HASTY = { upstream: { headersTimeoutMs: 300, bodyTimeoutMs: 300, connectTimeoutMs: 300 } }
const OK = 'HTTP/1.1 200 OK\r\n'

/** Within this time an answer must be there, whatever the upstream does. */
async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer in time`)), 5_000)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

test('F-20 F-08 FM-31: an answer with broken framing is 502 with an empty body, and its connection is not used again', async (t) => {
  const { port, upstream, crashes } = await startTestProxy(t, { options: HASTY })
  const answers: Record<string, string> = {
    'two lengths': `${OK}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    'length and chunks': `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    'negative length': `${OK}Content-Length: -3\r\n\r\nabc`,
    'folded header': `${OK}X: a\r\n b\r\nContent-Length: 3\r\n\r\nabc`,
    'bare LF': 'HTTP/1.1 200 OK\nContent-Length: 3\n\nabc',
    'NUL in a header': `${OK}X: a\0b\r\nContent-Length: 0\r\n\r\n`,
    'space before the colon': `${OK}X : a\r\nContent-Length: 0\r\n\r\n`,
    'huge header': `${OK}X: ${'a'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`,
    'status 000': 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n',
    'status 99': 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n',
    'status of four digits': 'HTTP/1.1 2000 X\r\nContent-Length: 0\r\n\r\n',
    garbage: 'SSH-2.0-OpenSSH_9.6\r\n',
    'HTTP/0.9': '<html>',
    'a request': get('/x'),
  }
  for (const [name, answer] of Object.entries(answers)) {
    upstream.script = (_request, connection) => connection.write(answer)
    const before = upstream.connections.length
    const response = await soon(rawRequest(port, post('/x', 'a')), name)
    assert.ok(response.status === 502 || response.status === 504, `${name}: ${response.status}`)
    assert.equal(response.body.length, 0, name)
    upstream.script = (_request, connection) => connection.write(respond('good'))
    assert.equal(String((await rawRequest(port, post('/x', 'a'))).body), 'good', name)
    assert.ok(upstream.connections.length > before, `${name}: the connection was used again`)
  }
  assert.deepEqual(crashes, [])
})

test('FM-31: an upstream that closes, resets or stays silent is 502 or 504 in bounded time', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: HASTY })
  upstream.script = (_request, connection) => void connection.socket.end()
  assert.equal((await soon(rawRequest(port, post('/x', 'a')), 'close')).status, 502)
  upstream.script = (_request, connection) => void connection.socket.resetAndDestroy()
  assert.equal((await soon(rawRequest(port, post('/x', 'a')), 'reset')).status, 502)
  upstream.script = () => {}
  const silent = await soon(rawRequest(port, get('/x')), 'silence')
  assert.equal(silent.status, 504)
  assert.equal(silent.body.length, 0)
  upstream.script = (_request, connection) => connection.write('HTTP/1.1 200 OK\r\nX: ')
  assert.equal((await soon(rawRequest(port, get('/x')), 'silence in the head')).status, 504)
})

test('FM-31: an upstream that does not accept is 504', async (t) => {
  // 192.0.2.0/24 is for documentation: nothing is there to answer, or the network says so at once.
  const { port } = await startTestProxy(t, {
    options: HASTY,
    target: { origin: 'http://192.0.2.1:9', host: '192.0.2.1:9' },
  })
  const response = await soon(rawRequest(port, get('/x')), 'black hole')
  assert.ok(response.status === 504 || response.status === 502)
})

test('an unsolicited 101 is 502', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: HASTY })
  for (const answer of [
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nxx',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  ]) {
    upstream.script = (_request, connection) => connection.write(answer)
    const response = await soon(rawRequest(port, get('/x')), '101')
    assert.equal(response.status, 502)
    assert.equal(response.body.length, 0)
  }
})

test('interim answers without end are 502', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: HASTY })
  let sent = 0
  upstream.script = async (_request, connection) => {
    for (; sent < 10_000 && !connection.closed; sent++) {
      connection.write('HTTP/1.1 102 Processing\r\n\r\n')
      if (sent % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  assert.equal((await soon(rawRequest(port, get('/x')), 'flood')).status, 502)
  assert.ok(sent < 10_000)
})

test('interim answers do not put off the deadline', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: HASTY })
  upstream.script = async (_request, connection) => {
    for (let i = 0; i < 12 && !connection.closed; i++) {
      connection.write('HTTP/1.1 102 Processing\r\n\r\n')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    connection.write(respond('late'))
  }
  assert.equal((await soon(rawRequest(port, get('/x')), 'trickle')).status, 504)
})

test('the links of a 103 are passed on, other interim answers are not', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) =>
    connection.write(
      `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-User: x\r\n\r\n${respond('x')}`,
    )
  const client = openRaw(port)
  client.write(get('/x'))
  const hints = await client.nextHead()
  assert.match(hints, /^HTTP\/1\.1 103 /)
  assert.match(hints, /Link: <\/a\.css>; rel=preload/)
  assert.ok(!hints.includes('X-User'))
  assert.equal((await client.response()).status, 200)
  client.destroy()
})

test('F-20: a body that is cut short breaks the client’s connection, it never ends cleanly', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: HASTY })
  const cut: Record<string, string> = {
    'content length': `${OK}Content-Length: 10\r\n\r\nabc`,
    chunked: `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    'inside a chunk': `${OK}Transfer-Encoding: chunked\r\n\r\n9\r\nabc`,
    'broken chunk size': `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`,
  }
  for (const [name, answer] of Object.entries(cut)) {
    upstream.script = async (_request, connection) => {
      connection.write(answer)
      await new Promise((resolve) => setTimeout(resolve, 20))
      connection.socket.destroy()
    }
    const client = openRaw(port)
    client.write(get('/x'))
    await soon(client.closed, name)
    assert.match(String(client.pending), /^HTTP\/1\.1 200 /, name)
    assert.ok(client.pending.includes('abc'), name)
    assert.ok(!client.pending.includes('\r\n0\r\n'), `${name}: the last chunk must not be sent`)
    client.destroy()
  }
})

test('silence in the middle of a body breaks the client’s connection', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: HASTY })
  upstream.script = (_request, connection) => connection.write(`${OK}Content-Length: 10\r\n\r\nabc`)
  const client = openRaw(port)
  client.write(get('/x'))
  await soon(client.closed, 'silence')
  assert.ok(client.pending.includes('abc'))
  client.destroy()
})

test('a body that ends with the connection is passed on', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) => {
    connection.write('HTTP/1.0 200 OK\r\n\r\nabc')
    connection.socket.end()
  }
  const response = await rawRequest(port, get('/x'))
  assert.equal(String(response.body), 'abc')
})

test('F-30: a request that may have had an effect is never sent twice', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const healthy = upstream.script
  const requests = [
    post('/x', 'a'),
    post('/x', ''),
    'POST /x HTTP/1.1\r\nHost: a\r\n\r\n',
    post('/x', 'a').replace('POST', 'PUT'),
    post('/x', 'a').replace('POST', 'DELETE'),
    post('/x', 'a').replace('POST', 'GET'),
    post('/x', '').replace('POST', 'PATCH'),
    'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  ]
  for (const request of requests) {
    // On a connection that has served before: only such a one can have died while it was idle.
    upstream.script = healthy
    await rawRequest(port, get('/warm'))
    const before = upstream.requests.length
    upstream.script = (_request, connection) => void connection.socket.destroy()
    assert.equal((await rawRequest(port, request)).status, 502, request)
    assert.equal(upstream.requests.length - before, 1, request)
  }
})

test('F-30: nothing is sent again once an octet of an answer has come, and nothing more than once', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const healthy = upstream.script
  for (const beginning of [
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: y',
    'HTTP/1.1 2',
  ]) {
    upstream.script = healthy
    await rawRequest(port, get('/warm'))
    const before = upstream.requests.length
    upstream.script = (_request, connection) => void connection.socket.end(beginning)
    assert.equal((await rawRequest(port, get('/x'))).status, 502, beginning)
    assert.equal(upstream.requests.length - before, 1, beginning)
  }
  // Several connections that have served, all of which are dead.
  const held: UpstreamConnection[] = []
  upstream.script = (_request, connection) => void held.push(connection)
  const warm = [1, 2, 3, 4].map(() => rawRequest(port, get('/warm')))
  while (held.length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
  for (const connection of held) connection.write(respond('warm'))
  await Promise.all(warm)
  const before = upstream.requests.length
  upstream.script = (_request, connection) => void connection.socket.destroy()
  assert.equal((await rawRequest(port, get('/x'))).status, 502)
  assert.equal(upstream.requests.length - before, 2, 'once, and once more')
})

test('F-30: a harmless request on a connection that died while idle is sent once more', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  assert.equal((await rawRequest(port, get('/warm'))).status, 200)
  let count = 0
  upstream.script = (_request, connection) => {
    count++
    if (count === 1) connection.socket.destroy()
    else connection.write(respond('second'))
  }
  assert.equal(String((await rawRequest(port, get('/x'))).body), 'second')
  assert.equal(upstream.requests.length, 3)
  upstream.script = (_request, connection) => void connection.socket.destroy()
  assert.equal((await rawRequest(port, get('/x'))).status, 502)
  assert.ok(upstream.requests.length <= 5, 'once more, not for ever')
})

test('V-102 F-35: an answer that nobody asked for never reaches the next request', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  for (const delayMs of [0, 5, 60]) {
    upstream.script = async (_request, connection) => {
      if (delayMs === 0) connection.write(respond('first') + respond('poison'))
      else {
        connection.write(respond('first'))
        await new Promise((resolve) => setTimeout(resolve, delayMs))
        connection.write(respond('poison'))
      }
    }
    assert.equal(String((await rawRequest(port, get('/x'))).body), 'first')
    await new Promise((resolve) => setTimeout(resolve, delayMs + 20))
    upstream.script = (_request, connection) => connection.write(respond('second'))
    assert.equal(String((await rawRequest(port, get('/x'))).body), 'second')
  }
})

test('F-20: what follows a complete answer is not part of it', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const answers = [
    `${OK}Content-Length: 3\r\n\r\nabcEXTRA`,
    'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ]
  for (const answer of answers) {
    upstream.script = (_request, connection) => connection.write(answer)
    const client = openRaw(port)
    client.write(get('/x'))
    const response = await client.response()
    assert.ok([200, 204, 304].includes(response.status))
    upstream.script = (_request, connection) => connection.write(respond('next'))
    client.write(get('/y'))
    assert.equal(String((await client.response()).body), 'next')
    client.destroy()
  }
})

test('HEAD and 304 answers keep their Content-Length and have no body', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) => connection.write(`${OK}Content-Length: 1000\r\nX-A: b\r\n\r\n`)
  const response = await rawRequest(port, get('/x').replace('GET', 'HEAD'), { head: true })
  assert.equal(response.header('content-length'), '1000')
  assert.equal(response.header('x-a'), 'b')
})

test('V-113: Set-Cookie is passed on byte-identical', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  const cookie = 'a=%0d%0aX: y; SameSite=NoneOfYourBusiness; Path=/\u00e9'
  upstream.script = (_request, connection) => connection.write(respond('x', `Set-Cookie: ${cookie}`, 'set-cookie: b='))
  const response = await rawRequest(port, get('/x'))
  const cookies = response.headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value)
  assert.deepEqual(cookies, [cookie, 'b='])
})

test('trailers of an answer cannot carry what belongs into its head', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.script = (_request, connection) =>
    connection.write(
      `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 9\r\nSet-Cookie: a=1\r\nCache-Control: public\r\n\r\n`,
    )
  const client = openRaw(port)
  client.write(get('/x'))
  await client.until('X-Sum: 9\r\n\r\n')
  assert.ok(!client.pending.includes('Set-Cookie') && !client.pending.includes('Cache-Control'))
  client.destroy()
})

test('an answer before the body was read is passed on, and the body goes nowhere', async (t) => {
  const { port, upstream } = await startTestProxy(t)
  upstream.early = true
  upstream.script = (_request, connection) => {
    connection.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
    connection.socket.end()
  }
  const client = openRaw(port)
  client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\naaaa')
  const response = await client.response()
  assert.equal(response.status, 413)
  assert.equal(String(response.body), 'big')
  client.destroy()
})

test('when the client goes away the upstream is let go, at every stage', async (t) => {
  const { port, upstream, ended, crashes } = await startTestProxy(t)
  const stages: ((write: (data: string) => void) => void)[] = [
    () => {},
    (write) => write(`${OK}Content-Length: 100000\r\n\r\n`),
    (write) => write(`${OK}Content-Length: 10\r\n\r\nabc`),
    (write) => write(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`),
  ]
  for (const [index, stage] of stages.entries()) {
    upstream.script = (_request, connection) => stage((data) => connection.write(data))
    const client = openRaw(port)
    client.write(get('/x'))
    await upstream.arrived(index + 1)
    if (index > 0) await client.until('\r\n\r\n')
    const connection = upstream.requests[index]?.connection
    client.destroy()
    await connection?.whenClosed
  }
  while (ended.length < stages.length) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(ended[0]?.status, 499)
  assert.deepEqual(crashes, [])
})

test('V-120: aborts and resets at each stage bring nothing down', async (t) => {
  const { port, upstream, crashes } = await startTestProxy(t, { options: HASTY })
  for (let i = 0; i < 60; i++) {
    upstream.early = i % 2 === 0
    upstream.script = async (_request, connection) => {
      if (i % 3 === 0) connection.write(`${OK}Content-Length: 1000\r\n\r\n`)
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (i % 7 === 0) connection.socket.end()
      else connection.socket.resetAndDestroy()
    }
    const client = openRaw(port)
    client.write(
      i % 4 === 0
        ? post('/x', 'a'.repeat(70_000))
        : `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'a'.repeat(1_000 * (i % 9))}`,
    )
    if (i % 2 === 1) await new Promise((resolve) => setTimeout(resolve, i % 5))
    client.destroy()
  }
  upstream.early = false
  upstream.script = (_request, connection) => connection.write(respond('alive'))
  assert.equal(String((await rawRequest(port, get('/x'))).body), 'alive')
  assert.deepEqual(crashes, [])
})

test('V-116: upstreams whose names are alike are not mixed up', async (t) => {
  const upstreams = [await startRawUpstream(), await startRawUpstream()]
  t.after(async () => void (await upstreams[1]?.close()))
  const { port } = await startTestProxy(t, {
    upstream: upstreams[0]!,
    decide: (view, grant) => {
      const decision = grant()
      if (!decision.granted || decision.upstream === undefined || view.path !== '/1') return decision
      const { origin, host } = upstreams[1]!
      return { ...decision, upstream: { ...decision.upstream, origin, host } }
    },
  })
  await Promise.all(['/0', '/1', '/0', '/1'].map((path) => rawRequest(port, get(path))))
  assert.deepEqual(
    upstreams[0]?.requests.map(({ target }) => target),
    ['/0', '/0'],
  )
  assert.deepEqual(
    upstreams[1]?.requests.map(({ target }) => target),
    ['/1', '/1'],
  )
})

test('F-25: an upstream that points back at the proxy does not go round in circles', async (t) => {
  const proxy = await startTestProxy(t, {
    decide: (view, grant) => {
      const decision = grant()
      if (!decision.granted || decision.upstream === undefined) return deny(view)
      return { ...decision, upstream: { ...decision.upstream, origin: `http://127.0.0.1:${proxy.port}` } }
    },
  })
  const response = await rawRequest(proxy.port, get('/x'))
  assert.equal(response.status, 508)
  assert.equal(proxy.seen.length, 1)
})

test('H-04: no more connections than configured, and no more requests than can wait', async (t) => {
  const { port, upstream } = await startTestProxy(t, { options: { upstream: { maxConnections: 2, maxWaiting: 1 } } })
  const answers: (() => void)[] = []
  upstream.script = (_request, connection) => void answers.push(() => connection.write(respond('x')))
  const clients = [1, 2, 3].map(() => rawRequest(port, get('/x')))
  await upstream.arrived(2)
  const busy = await rawRequest(port, get('/x'))
  assert.equal(busy.status, 503)
  assert.equal(busy.header('retry-after'), '1')
  for (const answer of answers.splice(0)) answer()
  await upstream.arrived(3)
  for (const answer of answers.splice(0)) answer()
  for (const client of clients) assert.equal((await client).status, 200)
  assert.equal(upstream.connections.length, 2)
})

test('FM-33: a name that does not resolve is 502, and nothing remembers it', async (t) => {
  const { port, upstream } = await startTestProxy(t, {
    decide: (view, grant) => {
      const decision = grant()
      if (!decision.granted || decision.upstream === undefined || view.path !== '/gone') return decision
      return { ...decision, upstream: { ...decision.upstream, origin: 'http://does-not-exist.invalid:80' } }
    },
  })
  assert.equal((await soon(rawRequest(port, get('/gone')), 'DNS')).status, 502)
  assert.equal((await rawRequest(port, get('/x'))).status, 200)
  assert.equal(upstream.requests.length, 1)
})
