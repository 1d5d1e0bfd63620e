import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { requestView } from '../../test/support/request-view.ts'
import { GateError } from '../kernel/errors.ts'
import { Exchange } from '../kernel/exchange.ts'
import { compileTemplate } from './compile-template.ts'
import { TemplateSyntaxError } from './syntax/syntax-error.ts'

function exchange(extra?: Record<string, unknown>): Exchange {
  const request = requestView({
    front: 'proxy',
    method: 'GET',
    scheme: 'https',
    host: 'app.example:8443',
    path: '/a b',
    rawQuery: 'q=1&q=2',
    headers: [
      ['X-In', 'h\u00c3\u00a9'],
      ['Host', 'app.example:8443'],
    ],
  })
  const made = new Exchange(request, 'rule', ['one', 'two'])
  made.subject = 'alice'
  made.extra = extra
  return made
}

function render(source: string, extra?: Record<string, unknown>): string {
  return compileTemplate(source, 'rule:X-T').render(exchange(extra))
}

function failure(source: string, extra?: Record<string, unknown>): string | undefined {
  try {
    render(source, extra)
  } catch (error) {
    assert.ok(error instanceof GateError)
    assert.equal(error.code, 'ERR_TEMPLATE_FAILED')
    return error.reason
  }
  return assert.fail('rendered')
}

describe('compileTemplate', () => {
  test('a template that does not parse is refused at load with its line', () => {
    assert.throws(
      () => compileTemplate('a\n{{ nosuch 1 }}', 'rule:X-T'),
      (error) =>
        error instanceof TemplateSyntaxError &&
        error.message === 'template: rule:X-T:2: function "nosuch" not defined' &&
        error.line === 2,
    )
  })

  test('an execution error says where and why, as Go does', () => {
    assert.equal(
      failure('a\n{{ print "x" .Extra.a.b }}', { a: { c: 1 } }),
      'template: rule:X-T:2:3: executing "rule:X-T" at <print>: wrong number of args for print: want 1 got 2',
    )
    assert.equal(
      failure('{{ .Extra.a.b.c }}', { a: {} }),
      'template: rule:X-T:1:9: executing "rule:X-T" at <.Extra.a.b.c>: nil pointer evaluating interface {}.c',
    )
    assert.equal(
      failure('{{ .Nope }}'),
      'template: rule:X-T:1:3: executing "rule:X-T" at <.Nope>: can\'t evaluate field Nope in type *authn.AuthenticationSession',
    )
  })

  test('simple shapes and the general way agree about every kind of claim', () => {
    const claims = [undefined, null, '', 'text', 0, 1.5, 12345678, true, ['a', null], { k: 'v' }, { x: 'deep' }]
    for (const value of claims) {
      const extra = { v: value }
      for (const path of ['.Extra.v', '.Extra.v.x', '.Subject', '.Extra.none']) {
        const attempt = (source: string): string | undefined => {
          try {
            return render(source, extra)
          } catch (error) {
            return `failed: ${(error as GateError).reason?.replace(/^.*at <.*?>: /, '')}`
          }
        }
        assert.equal(attempt(`{{ ${path} }}`), attempt(`{{ $x := 1 }}{{ ${path} }}`))
        assert.equal(attempt(`{{ print ${path} }}`), attempt(`{{ $x := 1 }}{{ print ${path} }}`))
      }
    }
  })

  test('only own properties of claims are seen, never those of a prototype', () => {
    const extra = JSON.parse('{"__proto__": {"admin": "own"}, "plain": {}}')
    assert.equal(render('{{ .Extra.__proto__.admin }}', extra), 'own')
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      assert.equal(render(`{{ .Extra.plain.${name} }}`, extra), '<no value>')
      assert.equal(render(`{{ print .Extra.plain.${name} }}`, extra), '')
      assert.equal(render(`{{ index .Extra.plain "${name}" }}`, extra), '<no value>')
    }
  })

  test('a session without claims has an empty map of them', () => {
    assert.equal(
      render('{{ .Extra }} {{ .Extra.a }} {{ len .Extra }} {{ range .Extra }}x{{ end }}'),
      'map[] <no value> 0 ',
    )
  })

  test('the request is seen as a Go URL and header', () => {
    assert.equal(render('{{ .MatchContext.URL }}'), 'https://app.example:8443/a%20b?q=1&q=2')
    assert.equal(render('{{ .MatchContext.URL.Query.Get "q" }} {{ .MatchContext.URL.Hostname }}'), '1 app.example')
    assert.equal(render('{{ .MatchContext.Header.Get "x-in" }}{{ .MatchContext.Header.Host }}'), 'hé[]')
    assert.equal(render('{{ printIndex .MatchContext.RegexpCaptureGroups 1 }}'), 'two')
  })

  test('what would stall or exhaust the process is an execution error', () => {
    const sources = [
      '{{ range 2000000000 }}{{ end }}',
      '{{ range 9223372036854775807 }}x{{ end }}',
      '{{ range 100000 }}{{ printf "%1000d" 1 }}{{ end }}',
      '{{ $x := "0123456789" }}{{ range 100 }}{{ $x = printf "%s%s" $x $x }}{{ end }}',
      '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
      '{{ define "a" }}{{ template "b" . }}{{ template "b" . }}{{ end }}{{ define "b" }}{{ range 5 }}{{ template "a" . }}{{ end }}{{ end }}{{ template "a" . }}',
      '{{ printf "%1000000d%1000000d" 1 2 }}',
      `{{ define "a" }}${'{{ if 1 }}'.repeat(190)}{{ template "a" . }}${'{{ end }}'.repeat(190)}{{ end }}{{ template "a" . }}`,
    ]
    const start = performance.now()
    for (const source of sources)
      assert.match(failure(source) ?? '', /too long|maximum template depth|nested too deeply/)
    assert.ok(performance.now() - start < 5000)
  })

  test('claims nested too deeply to print are an execution error', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    assert.match(failure('{{ .Extra.deep }}', { deep }) ?? '', /nested too deeply/)
    assert.match(failure('{{ printf "%v" .Extra.deep }}', { deep }) ?? '', /nested too deeply/)
  })
})
