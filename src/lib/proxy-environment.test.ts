import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readProxyEnvironment } from './proxy-environment.ts'

const PROXIES = { HTTP_PROXY: 'proxy.internal:3128', https_proxy: 'http://me:pass@proxy.internal:3129' }

test('each scheme has its proxy, and without one calls go straight', () => {
  const proxyFor = readProxyEnvironment(PROXIES)
  assert.equal(proxyFor?.('http://keys.example'), 'http://proxy.internal:3128/')
  assert.equal(proxyFor?.('https://keys.example'), 'http://me:pass@proxy.internal:3129/')
  assert.equal(readProxyEnvironment({ HTTP_PROXY: 'http://p:1' })?.('https://keys.example'), undefined)
  assert.equal(readProxyEnvironment({}), undefined)
  assert.equal(readProxyEnvironment({ HTTP_PROXY: ' ', NO_PROXY: '*' }), undefined)
})

test('this machine is never asked through a proxy', () => {
  const proxyFor = readProxyEnvironment(PROXIES)
  for (const origin of ['http://localhost:80', 'http://127.0.0.1:4000', 'https://127.9.9.9', 'http://[::1]:8080']) {
    assert.equal(proxyFor?.(origin), undefined, origin)
  }
})

test('NO_PROXY names hosts with their subdomains, subdomains alone, addresses, networks and ports', () => {
  const NO_PROXY =
    'corp.example, .only.example,*.star.example,10.0.0.0/8,192.0.2.7,[2001:db8::1]:8443,port.example:8080, ,'
  const proxyFor = readProxyEnvironment({ ...PROXIES, NO_PROXY })
  const goesStraight = (origin: string): boolean => proxyFor?.(origin) === undefined
  const straight = [
    'http://corp.example',
    'https://a.b.CORP.example:8443',
    'http://corp.example.',
    'http://a.only.example',
    'http://a.star.example',
    'http://10.1.2.3',
    'http://192.0.2.7:8080',
    'https://[2001:db8::1]:8443',
    'http://port.example:8080',
  ]
  const proxied = [
    'http://notcorp.example',
    'http://only.example',
    'http://star.example',
    'http://11.1.2.3',
    'https://[2001:db8::1]',
    'http://port.example',
    'http://10.0.0.0.example',
  ]
  for (const origin of straight) assert.ok(goesStraight(origin), origin)
  for (const origin of proxied) assert.ok(!goesStraight(origin), origin)
  assert.equal(readProxyEnvironment({ ...PROXIES, no_proxy: '*' })?.('http://x.example'), undefined)
})

test('what is no proxy is refused, and not repeated', () => {
  for (const HTTP_PROXY of ['http://', 'ftp://secret@p:1', 'http://a b', 'http://secret:x@:99999']) {
    assert.throws(
      () => readProxyEnvironment({ HTTP_PROXY }),
      (cause: Error) => cause.message.startsWith('HTTP_PROXY is not') && !cause.message.includes('secret'),
    )
  }
})
