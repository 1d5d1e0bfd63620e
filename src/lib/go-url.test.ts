import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cleanQuery, escapedPath, escapePath, reencodePath, unescapePath } from './go-url.ts'

test('a path is decoded once', () => {
  assert.equal(unescapePath('/a/b'), '/a/b')
  assert.equal(unescapePath('/a%2Fb%2fc'), '/a/b/c')
  assert.equal(unescapePath('/a%252fb'), '/a%2fb')
  assert.equal(unescapePath('/%C3%A9'), '/é')
  assert.equal(unescapePath('/Ã©'), '/é', 'octets that came unencoded are UTF-8 as well')
  assert.equal(unescapePath('/a%00b'), '/a\0b')
  assert.equal(unescapePath('/a+b'), '/a+b')
  for (const raw of ['/%', '/%a', '/%zz', '/%2', '/%%32']) assert.equal(unescapePath(raw), undefined, raw)
})

test('octets that are not UTF-8 survive decoding and encoding', () => {
  for (const raw of ['/%FF', '/%C0%AE%C0%AE/x', '/%E2%82', '/%ED%A0%80', '/%F5%80%80%80', '/%C3%A9%C3']) {
    assert.equal(escapePath(unescapePath(raw) as string), raw, raw)
  }
  assert.notEqual(unescapePath('/%C0%AE'), '/.', 'an overlong encoding is not the character')
})

test('the default encoding is Go’s', () => {
  assert.equal(escapePath("/a!'()*[]?b"), '/a%21%27%28%29%2A%5B%5D%3Fb')
  assert.equal(escapePath('/-_.~$&+,/:;=@'), '/-_.~$&+,/:;=@')
  assert.equal(escapePath('/a b%c"d#e\\f'), '/a%20b%25c%22d%23e%5Cf')
  assert.equal(escapePath('/é✓'), '/%C3%A9%E2%9C%93')
})

test('a valid encoding of the same path is kept', () => {
  assert.equal(escapedPath('/a/b', '/a%2Fb'), '/a%2Fb')
  assert.equal(escapedPath('/a!b', '/a!b'), '/a!b')
  assert.equal(escapedPath('/a/c', '/a%2Fb'), '/a/c')
  assert.equal(escapedPath('/a"b', '/a"b'), '/a%22b')
  assert.equal(escapedPath('/a?b', '/a%3fb'), '/a%3fb')
  assert.equal(escapedPath('/a b', ''), '/a%20b')
})

test('encoding an encoded path anew is Go’s default but for the case of the digits that stay', () => {
  assert.equal(reencodePath('/a%2Fb%41%3f!%20'), '/a/bA%3f%21%20')
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '/', '.', '%2F', '%2e', '%3f', '%C3%A9', '!', '%25') }),
      (raw) => {
        assert.equal(reencodePath(raw).toLowerCase(), escapePath(unescapePath(raw) as string).toLowerCase())
      },
    ),
  )
})

test('a query is left alone unless Go would read it in another way than others', () => {
  for (const query of ['', 'a=1&b=2', 'q=a%20b&q=2&r', 'x=<y>', 'b&a', 'a=%C3%A9', 'a=b=c', '&&']) {
    assert.equal(cleanQuery(query), query)
  }
  assert.equal(cleanQuery('b=2;c=3&a=1'), 'a=1')
  assert.equal(cleanQuery('z=%zz&b=x+y&a=1&b=%2b'), 'a=1&b=x+y&b=%2B')
  assert.equal(cleanQuery('a&b=%'), 'a=')
  assert.equal(cleanQuery('%'), '')
  assert.equal(cleanQuery('é=%FF;&ü=%ff%'), '')
  assert.equal(cleanQuery('k=%ff&x=%'), 'k=%FF')
})
