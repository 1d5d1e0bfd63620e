import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createReturnTargets } from './return-target.ts'

const BASE = 'https://app.example'
const targets = createReturnTargets({
  origins: [BASE, 'https://two.example:8443', 'https://docs.example'],
  basePath: '/.oathkeeper',
})
const judge = (wanted: string) => targets.judge(wanted, BASE)

const accepted: Record<string, string> = {
  '/': `${BASE}/`,
  '/a/b?c=d&e=%2F#f': `${BASE}/a/b?c=d&e=%2F#f`,
  '/?next=https://evil.test/': `${BASE}/?next=https://evil.test/`,
  '/a//b': `${BASE}/a//b`,
  '/a/../b': `${BASE}/b`,
  '/日本?q=é': `${BASE}/%E6%97%A5%E6%9C%AC?q=%C3%A9`,
  '/a@b:c': `${BASE}/a@b:c`,
  'https://app.example': `${BASE}/`,
  'https://app.example/x': `${BASE}/x`,
  'https://APP.example:443/x': `${BASE}/x`,
  'https://app.example//evil.test/x': `${BASE}//evil.test/x`,
  'https://two.example:8443/x?y': 'https://two.example:8443/x?y',
  'https://docs.example/': 'https://docs.example/',
  '/.oathkeeperX': `${BASE}/.oathkeeperX`,
}
for (const [wanted, expected] of Object.entries(accepted)) {
  test(`${wanted} leads to ${expected}`, () => assert.equal(judge(wanted), expected))
}

// Published bypasses of others' checks, and what belongs to the same families.
const refused = [
  '',
  'evil.test',
  '//evil.test',
  '///evil.test',
  '////evil.test/%2e%2e',
  '/\\evil.test',
  '\\/evil.test',
  '\\\\evil.test',
  '/\\/evil.test',
  '/ /evil.test',
  '/\t/evil.test',
  '/\n/evil.test',
  '/\r/evil.test',
  '/\v/evil.test',
  '/\f/evil.test',
  '/\u0000/evil.test',
  '/\u0085/evil.test',
  '/\u00a0/evil.test',
  '/\u2028/evil.test',
  '/\ufeff/evil.test',
  '\t//evil.test',
  ' https://app.example/',
  'https://app.example/ ',
  'http:evil.test',
  'https:evil.test',
  'https:/evil.test',
  'https:///evil.test',
  'https:\\\\evil.test',
  'https://evil.test',
  'https://evil.test/',
  'https://evil.test/https://app.example/',
  'https://app.example@evil.test/',
  'https://app.example:pw@evil.test/',
  'https://user@app.example/',
  'https://:@app.example/',
  'https://app.example:443@evil.test/',
  'https://app.example\\@evil.test/',
  'https://app.example#@evil.test/',
  'https://app.example.evil.test/',
  'https://evilapp.example/',
  'https://evil-app.example/',
  'https://sub.app.example/',
  'https://app.example./',
  'https://app.example:444/',
  'https://two.example/',
  'https://two.example:8444/',
  'http://app.example/',
  'https://app。example/',
  'https://app．example/',
  'https://ａpp.example/',
  'https://app.example%2f.evil.test/',
  'https://app.example%00.evil.test/',
  'https://[::1',
  'http://[',
  'https://:80',
  'https://',
  'https://?',
  '//%',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'javascript://app.example/%0aalert(1)',
  'data:text/html,x',
  'vbscript:x',
  'ftp://app.example/',
  'wss://app.example/',
  'HTTPS://app.example/',
  'blob:https://app.example/x',
  '?x=1',
  '#x',
  './x',
  '../x',
  'x/../..//evil.test',
  `/${'a'.repeat(64 * 1024)}`,
  '/.oathkeeper',
  '/.oathkeeper/',
  '/.oathkeeper/logout',
  '/.oathkeeper/login?return_to=/',
  '/x/../.oathkeeper/logout',
  '/%2eoathkeeper/logout',
  '/.%6fathkeeper/logout',
  '/.oathkeeper%2flogout',
  '/a/%2e%2e/.oathkeeper/logout',
  '/a%2f..%2f.oathkeeper/logout',
  'https://app.example//.oathkeeper/logout',
  'https://app.example/.oathkeeper/callback?code=x',
  '/%zz',
]
for (const wanted of refused) {
  test(`V-012: V-013: V-074: V-080: ${JSON.stringify(wanted.slice(0, 60))} is refused`, () =>
    assert.equal(judge(wanted), undefined))
}

test('A-16: whatever comes out stays on a known origin, however a browser reads it', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '@',
    ':',
    '?',
    '#',
    'evil.test',
    'a',
    '\t',
    '%09',
    '；',
    'https:',
    '//',
    '%2e',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const target = judge(`/${pieces.join('')}`)
      if (target === undefined) return
      assert.equal(new URL(target).origin, BASE)
      assert.equal(new URL(target, 'https://elsewhere.test/').origin, BASE)
      assert.equal(new URL(target).href, target)
    }),
    { numRuns: 5000 },
  )
})

test('two dots before two slashes cannot turn a path into a host', () => {
  for (const wanted of ['/..//evil.test', '/.//evil.test', '/a/..//evil.test']) {
    assert.equal(judge(wanted), `${BASE}//evil.test`)
  }
})
