import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentError } from './document.ts'
import { parseToml, tomlLines } from './toml.ts'

const TEXT = `# head
version = "v1.0.0"
[serve.proxy]
port = 1
cors.enabled = true # dotted
list = [
  "a = 1",
  "b",
]
text = """
fake = 1
"""
"x.y" = 1

[[login.providers]]
id = "a"
[[login.providers]]
id = "b"
[login.providers.authorization_params]
prompt = "login"
`

test('the line of every table and key is known', () => {
  const lines = Object.fromEntries(tomlLines(TEXT))
  assert.deepEqual(lines, {
    version: 2,
    serve: 3,
    'serve.proxy': 3,
    'serve.proxy.port': 4,
    'serve.proxy.cors': 5,
    'serve.proxy.cors.enabled': 5,
    'serve.proxy.list': 6,
    'serve.proxy.text': 10,
    'serve.proxy["x.y"]': 13,
    login: 15,
    'login.providers': 15,
    'login.providers[0]': 15,
    'login.providers[0].id': 16,
    'login.providers[1]': 17,
    'login.providers[1].id': 18,
    'login.providers[1].authorization_params': 19,
    'login.providers[1].authorization_params.prompt': 20,
  })
  assert.equal((parseToml(TEXT) as { version: string }).version, 'v1.0.0')
})

test('a mistake is told with its line and without what the text holds', () => {
  for (const text of [
    'a = 1\nb = hunter2\n',
    'a = 1\nb = "hunter2\n',
    'hunter2 = 1\nhunter2 = 2\n',
    'a = 1\n"hunter2" 1\n',
  ]) {
    assert.throws(
      () => parseToml(text),
      (error: unknown) => {
        assert.ok(error instanceof DocumentError)
        assert.deepEqual([error.line, /hunter2/.test(error.message)], [2, false], `${text} ${error.message}`)
        return true
      },
    )
  }
})
