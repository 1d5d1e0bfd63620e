import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { APPLICATION, signIn, startForkSample } from '../support/fork-sample.ts'
import { Visitor } from '../support/visitor.ts'

test("the fork's sample configuration: a login, the page asked for with its query, headers, static assets, a logout", async () => {
  await using sample = await startForkSample()
  const visitor = new Visitor()
  const { door, provider, received } = sample

  const assets = await visitor.go(`${door}/css/site.css`)
  assert.equal(assets.status, 200)
  assert.equal(received.at(-1)?.url, '/css/site.css')

  const arrival = await signIn(visitor, await visitor.follow(`${door}/home/reports?month=10&q=a%20b`))
  assert.equal(arrival.url, `${door}/home/reports?month=10&q=a%20b`)
  assert.equal(arrival.text, APPLICATION)
  const page = received.at(-1)
  assert.equal(page?.url, '/home/home/reports?month=10&q=a%20b')
  const { headers } = page
  assert.equal(headers['x-user-email'], 'ada@example.com')
  assert.equal(headers['state'], 'randomstate')
  assert.equal(headers['sub'], 'id-of-ada')
  assert.equal(headers['username'], 'ada@example.com')
  assert.match(String(headers['ig_session_id']), /^[A-Za-z0-9_-]{22}$/)
  assert.equal(decodeJwt(String(headers['authorization']).replace('Bearer ', '')).sub, 'id-of-ada')
  assert.doesNotMatch(headers.cookie ?? '', /IG_SESSION_ID/)

  const out = await visitor.follow(`${door}/logout`)
  assert.match(out.url, new RegExp(`^${provider.issuer}/session/end\\?id_token_hint=`))
  const end = new URL(out.url).searchParams
  assert.equal(end.get('post_logout_redirect_uri'), `${door}/home/id_token`)
  assert.match(end.get('state') ?? '', /^[A-Za-z0-9_-]{32}$/)
  assert.equal(visitor.cookie('127.0.0.1', 'IG_SESSION_ID'), undefined)
  const again = await visitor.go(`${door}/home/reports`)
  assert.equal(again.status, 302)
  assert.ok(again.headers['location']?.startsWith(`${provider.issuer}/auth?`))

  const rules = await new Visitor().go(`${sample.oathkeeper.apiUrl}/rules`)
  assert.equal(rules.status, 200)
  assert.ok(!rules.text.includes(provider.clientSecret))
  assert.ok(!provider.tokens.some((token) => sample.oathkeeper.log().includes(token)))
})
