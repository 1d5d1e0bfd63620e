import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, refuse } from '../../test/support/config.ts'

test('variables are filled into any text', (t) => {
  const text = `log: { redaction_text: "\${A}-\${B:-b}-\${C:-}-\${D:-d}", additional_redacted_headers: [ "\${A}" ] }
mutators: { header: { enabled: true, config: { headers: { X: "\${A}" } } } }
`
  const { config } = accept(t, text, { env: { A: 'a', B: '', D: 'set' } })
  assert.equal(config.log.redactionText, 'a-b--set')
  assert.deepEqual(config.log.additionalRedactedHeaders, ['a'])
  assert.deepEqual(config.handlers.mutators['header']?.config, { headers: { X: 'a' } })
})

test('$$ is a dollar; a dollar by itself stays', (t) => {
  const { log } = accept(t, 'log: { redaction_text: "$$ $${A} $A ^a$ {{ $x }} $1" }').config
  assert.equal(log.redactionText, '$ ${A} $A ^a$ {{ $x }} $1')
})

test('a variable that is not set and has no default is named, with its key', (t) => {
  assert.deepEqual(refuse(t, 'log:\n  redaction_text: "${NOPE}"\n'), [
    'config.yaml:2: log.redaction_text: needs the environment variable NOPE, which is not set; set it, or give a default: ${NOPE:-…}',
  ])
  assert.equal(accept(t, 'log: { redaction_text: "x${EMPTY}" }', { env: { EMPTY: '' } }).config.log.redactionText, 'x')
})

test('"${" that begins no variable is a mistake', (t) => {
  for (const text of ['${}', '${1A}', '${A', '${A:+b}', '${a-b}']) {
    assert.match(
      refuse(t, `log: { redaction_text: '${text}' }`, { env: { A: 'a' } }).join(),
      /has "\$\{" that begins no variable/,
      text,
    )
  }
})

test('what is filled in is text: not YAML, and not filled in again', (t) => {
  const { log } = accept(t, 'log: { redaction_text: "${A}" }', {
    env: { A: '"}\nlevel: debug # ${B} $$', B: 'b' },
  }).config
  assert.deepEqual([log.redactionText, log.level], ['"}\nlevel: debug # ${B} $$', 'info'])
})

test('where the schema wants a number or a boolean, the text becomes one', (t) => {
  const text = 'serve: { proxy: { port: "${PORT}", strict_paths: "${STRICT:-true}" } }'
  const { proxy } = accept(t, text, { env: { PORT: '8080' } }).config.serve
  assert.deepEqual([proxy.port, proxy.strictPaths], [8080, true])
  assert.deepEqual(refuse(t, text, { env: { PORT: 'hunter2', STRICT: 'yes' } }), [
    'config.yaml:1: serve.proxy.port: must be a port number, 0 to 65535 (0: any free port), found what ${PORT} holds',
    'config.yaml:1: serve.proxy.strict_paths: must be true or false, found what ${STRICT} holds',
  ])
})
