import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { accept, makeFolder, refuse } from '../../test/support/config.ts'
import { ProblemsError } from '../kernel/problem.ts'
import { loadConfig } from './load.ts'

const SAME = {
  'a.yaml': 'serve:\n  proxy:\n    port: 1234\n    timeout: { read: 9s }\nlog:\n  level: debug\n',
  'a.json': '{ "serve": { "proxy": { "port": 1234, "timeout": { "read": "9s" } } },\n "log": { "level": "debug" } }',
  'a.toml': '[serve.proxy]\nport = 1234\ntimeout.read = "9s"\n[log]\nlevel = "debug"\n',
  'a.conf': 'serve: { proxy: { port: 1234, timeout: { read: 9s } } }\nlog: { level: debug }\n',
}

test('YAML, JSON and TOML say the same; any other name is YAML', (t) => {
  for (const name of Object.keys(SAME)) {
    const { serve, log } = accept(t, '', { files: SAME, load: [name] }).config
    assert.deepEqual([serve.proxy.port, serve.proxy.timeouts.readMs, log.level], [1234, 9_000, 'debug'], name)
  }
})

test('an empty file, no file, and a file of comments are all defaults', (t) => {
  for (const text of ['', '\n', '# nothing\n', '---\n', '{}']) assert.equal(accept(t, text).config.serve.api.port, 4456)
  assert.equal(accept(t, '', { load: [] }).config.serve.api.port, 4456)
})

test('several files are merged in their order: keys one by one, lists whole', (t) => {
  const { config } = accept(
    t,
    'serve: { proxy: { port: 1, host: a } }\nlog: { additional_redacted_headers: [X-A, X-B] }\n',
    {
      files: {
        'b.toml': '[serve.proxy]\nhost = "b"\n',
        'c.json': '{ "log": { "additional_redacted_headers": ["X-C"] } }',
      },
      load: ['config.yaml', 'b.toml', 'c.json'],
    },
  )
  assert.deepEqual(
    [config.serve.proxy.port, config.serve.proxy.host, config.log.additionalRedactedHeaders],
    [1, 'b', ['x-c']],
  )
})

test('each problem has the file and the line that had the last word', (t) => {
  const problems = refuse(t, 'serve:\n  proxy:\n    port: 1\nlog:\n  level: loud\n', {
    files: {
      'b.json': '{\n "serve": {\n  "proxy": {\n   "port": 70000\n  }\n }\n}\n',
      'c.toml': '# c\n[session_store]\ntype = "redis"\n[session_store.redis]\ndb = 99\n',
    },
    load: ['config.yaml', 'b.json', 'c.toml'],
    env: { SERVE_API_PORT: '-1' },
  })
  assert.deepEqual(
    problems.map((problem) => problem.replace(/: (must|is) .*$/, '')),
    [
      'config.yaml:5: log.level',
      'b.json:4: serve.proxy.port',
      'c.toml:5: session_store.redis.db',
      'env:SERVE_API_PORT: serve.api.port',
    ],
  )
})

test('everything that is wrong is told at once, also what does not fit together', (t) => {
  const problems = refuse(
    t,
    `log: { level: loud }
session: { cookie: { same_site: none } }
login: { base_url: "http://127.0.0.1:1", providers: [ { id: a, issuer: https://a.example, client_id: a } ] }
serve: { proxy: { prot: 1 } }
`,
  )
  assert.deepEqual(
    problems.map((problem) => problem.split(': ')[1]),
    ['log.level', 'session.cookie.same_site', 'serve.proxy.prot'],
  )
})

test('a file that cannot be read or parsed is a problem of that file, and the others are still checked', (t) => {
  const problems = refuse(t, 'log: { level: loud }\n', {
    files: { 'b.yaml': 'a: [1\n', 'c.json': '{"a":}', 'd.toml': 'a =', 'e.yaml': '- 1\n' },
    load: ['nowhere.yaml', 'b.yaml', 'c.json', 'd.toml', 'e.yaml', 'config.yaml'],
  })
  assert.deepEqual(
    problems.map((problem) => problem.replace(/valid (\w+):.*/, 'valid $1')),
    [
      'nowhere.yaml: cannot be read: no such file',
      'b.yaml:2: is not valid YAML',
      'c.json:1: is not valid JSON',
      'd.toml:1: is not valid TOML',
      'e.yaml:1: must hold keys and values at its root',
      'config.yaml:1: log.level: must be one of panic, fatal, error, warn, info, debug, trace, found "loud"',
    ],
  )
})

test('a section without a value is refused, as Oathkeeper does', (t) => {
  assert.deepEqual(refuse(t, 'log:\nserve: ~\n').sort(), [
    'config.yaml:1: log: must be a section (keys and values), found nothing',
    'config.yaml:2: serve: must be a section (keys and values), found nothing',
  ])
})

test('V-021: an unknown key is refused wherever it stands, with what was probably meant', (t) => {
  const cases: Record<string, string> = {
    'sesion_store: {}': 'sesion_store: is not a key here; did you mean session_store?',
    'serve: { proxy: { tls: { key: { pat: x } } } }': 'serve.proxy.tls.key.pat: is not a key here; did you mean path?',
    'session: { cookie: { "max age": 1 } }':
      'session.cookie["max age"]: is not a key here; known are name, domain, path, same_site, persistent',
    'access_rules: { default_rule: {} }': 'access_rules.default_rule: is not supported yet',
    '"__proto__": { polluted: 1 }': '__proto__: is not a key here',
    '"constructor": 1': 'constructor: is not a key here',
  }
  for (const [text, problem] of Object.entries(cases)) {
    const [only = '', ...others] = refuse(t, text)
    assert.deepEqual(
      [only.slice(0, `config.yaml:1: ${problem}`.length), others],
      [`config.yaml:1: ${problem}`, []],
      text,
    )
  }
})

test('relative rule files begin in the folder of the file that names them', (t) => {
  const text =
    'access_rules: { repositories: [ "file://rules.yaml", "file://./a/b.yaml", "file://../c.yaml", "file:///d.yaml", "inline://W10=" ] }'
  const { config, files } = accept(t, '', { files: { 'conf/config.yaml': text }, load: ['conf/config.yaml'] })
  const folder = join([...files.keys()][0] ?? '', '..')
  assert.deepEqual(config.accessRules.repositories, [
    `file://${folder}/rules.yaml`,
    `file://${folder}/a/b.yaml`,
    `file://${join(folder, '../c.yaml')}`,
    'file:///d.yaml',
    'inline://W10=',
  ])
})

test('locate gives the place of a key, or of the nearest key around it', (t) => {
  const { locate } = accept(
    t,
    'errors:\n  handlers:\n    redirect:\n      enabled: true\n      config:\n        to: "/x"\n',
    {
      env: { LOG_LEVEL: 'debug' },
    },
  )
  const at = (path: string) => {
    const { source, line } = locate(path)
    return [source?.replace(/^.*\//, ''), line]
  }
  assert.deepEqual(at('errors.handlers.redirect.config.to'), ['config.yaml', 6])
  assert.deepEqual(at('errors.handlers.redirect.config.when[0].error'), ['config.yaml', 5])
  assert.deepEqual(at('log.level'), ['env:LOG_LEVEL', undefined])
  assert.deepEqual(at('serve.proxy.port'), [undefined, undefined])
})

test('loadConfig throws all problems in one error', (t) => {
  const folder = makeFolder(t, { 'config.yaml': 'a: 1\nb: 2\n' })
  assert.throws(
    () => loadConfig({ files: [join(folder, 'config.yaml')], env: {}, handlers: [] }),
    (error: unknown) => error instanceof ProblemsError && error.problems.length === 2,
  )
})
