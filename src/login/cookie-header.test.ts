import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findCookie, maxAge, visitCookies } from './cookie-header.ts'
import { withoutCookies } from '../lib/without-cookies.ts'

const isOwn = (name: string) => name === 'sid'
const pairs = (header: string) => {
  const seen: [string, string][] = []
  visitCookies(header, (name, value) => void seen.push([name, value]))
  return seen
}

test('pairs are read in order, values as they are', () => {
  assert.deepEqual(pairs('a=1; b="x y"; c=%;d==;e = f; g'), [
    ['a', '1'],
    ['b', '"x y"'],
    ['c', '%'],
    ['d', '='],
    ['e ', ' f'],
    ['g', ''],
  ])
})

test('a cookie is found by its exact name only', () => {
  assert.deepEqual(findCookie('x__Host-sid=no; __Host-sid=yes; __Host-sidx=no', '__Host-sid'), { value: 'yes' })
  assert.deepEqual(findCookie('a=__Host-sid=no; __Host-sid=yes', '__Host-sid'), { value: 'yes' })
  assert.equal(findCookie('a="; x__Host-sid=no', '__Host-sid'), undefined)
})

for (const header of ['__host-sid=x', '__HOST-sid=x', '__HOST-SID=x', '__Host-SID=x', ' __Host-Sid=x']) {
  test(`D-06: "${header}" is another cookie`, () => assert.equal(findCookie(header, '__Host-sid'), undefined))
}

test('D-08: two cookies of one name are told, in any order and with equal values too', () => {
  for (const header of ['sid=A; sid=B', 'sid=B; sid=A', 'sid=A;x=1;\tsid=A', 'sid=; sid=A']) {
    assert.equal(findCookie(header, 'sid'), 'several')
  }
})

for (const header of ['', ';', '=', '==', ';;;', 'sid', '=sid=', 'x=sid', '\u00ff\u00fe=\u00ff', ' ; ; ']) {
  test(`V-082: the header ${JSON.stringify(header)} holds no session and breaks nothing`, () => {
    assert.equal(findCookie(header, 'sid'), undefined)
    pairs(header)
    withoutCookies(header, isOwn)
  })
}

test('V-081: the work grows with the header only, not with what it says', () => {
  const header = Array.from({ length: 2000 }, (_, i) => `sid.${i}=x; sid_chunks=99999999`).join('; ')
  assert.equal(findCookie(header, 'sid'), undefined)
})

test('V-082: what is left of a header without ours is well-formed', () => {
  assert.equal(withoutCookies('a=1; sid=x;b=2;sid=y', isOwn), 'a=1; b=2')
  assert.equal(withoutCookies('sid=x', isOwn), undefined)
  assert.equal(withoutCookies('a=1;b=2', isOwn), 'a=1;b=2')
})

test('D-11: no cookie asks for more than 400 days', () => {
  assert.equal(maxAge(1000 * 24 * 3600 * 1000), '; Max-Age=34560000')
  assert.equal(maxAge(90_500), '; Max-Age=90')
  assert.equal(maxAge(-5), '; Max-Age=0')
})
