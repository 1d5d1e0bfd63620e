import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { before, describe, test } from 'node:test'
import { requestView } from '../../test/support/request-view.ts'
import { GateError } from '../kernel/errors.ts'
import { Exchange } from '../kernel/exchange.ts'
import { bytesOf } from '../lib/go-string.ts'
import { compileTemplate } from './compile-template.ts'
import { TemplateSyntaxError } from './syntax/syntax-error.ts'

/** Pairs of a template and what Go's text/template with Sprig 3.3 made of it (Go 1.26, missingkey=zero, TZ=UTC). */
interface Fixture {
  readonly data: Readonly<Record<string, FixtureData>>
  readonly pairs: readonly Pair[]
}

interface FixtureData {
  readonly subject: string
  readonly extra?: Record<string, unknown>
  readonly header?: Readonly<Record<string, string[]>>
  readonly groups: readonly string[]
  readonly method: string
  readonly Scheme: string
  readonly Host: string
  readonly Path: string
  readonly RawPath: string
  readonly RawQuery: string
  readonly headers: readonly (readonly [string, string])[]
}

interface Pair {
  readonly data?: string
  readonly template: string
  readonly output?: string
  /** Output that is not UTF-8, in base64. */
  readonly bytes?: string
  readonly error?: string
  /** The error is one of the parser. */
  readonly syntax?: boolean
}

const FIXTURES = resolve(import.meta.dirname, '../../test/fixtures/template')

describe('Go and we make the same of', () => {
  before(() => {
    process.env['TZ'] = 'UTC'
  })

  for (const file of globSync('*.json', { cwd: FIXTURES })) {
    const { data, pairs } = JSON.parse(readFileSync(resolve(FIXTURES, file), 'utf8')) as Fixture
    test(`${pairs.length} templates of ${basename(file, '.json')}`, () => {
      const wrong: string[] = []
      for (const pair of pairs) {
        const difference = compare(pair, exchangeOf(data[pair.data ?? 'default'] as FixtureData))
        if (difference !== undefined) wrong.push(`${JSON.stringify(pair.template)}: ${difference}`)
      }
      assert.deepEqual(wrong, [])
    })
  }
})

function compare(pair: Pair, exchange: Exchange): string | undefined {
  let output: string
  try {
    output = compileTemplate(pair.template, 'golden').render(exchange)
  } catch (error) {
    return compareError(pair, error)
  }
  const wanted = pair.output ?? pair.bytes
  const got = pair.bytes === undefined ? output : bytesOf(output).toString('base64')
  return got === wanted ? undefined : `Go ${JSON.stringify(wanted ?? pair.error)}, we ${JSON.stringify(got)}`
}

function compareError(pair: Pair, error: unknown): string | undefined {
  if (error instanceof TemplateSyntaxError) {
    return error.message === pair.error ? undefined : `Go ${pair.error ?? pair.output}, we ${error.message}`
  }
  assert.ok(error instanceof GateError)
  // What went wrong may be said in other words, never with data in it; where it did is said as Go does.
  const isSame = pair.syntax !== true && placeOf(pair.error) === placeOf(error.reason)
  return isSame ? undefined : `Go ${pair.error ?? pair.output}, we ${error.reason}`
}

function placeOf(message: string | undefined): string | undefined {
  return /^template: \S+ executing .*? at <.*>: /s.exec(message ?? '')?.[0].replace(/>: .*/s, '>')
}

function exchangeOf(data: FixtureData): Exchange {
  const request = requestView({
    method: data.method,
    scheme: data.Scheme,
    host: data.Host,
    path: data.Path,
    rawPath: data.RawPath,
    rawQuery: data.RawQuery,
    headers: data.headers.map(([name, value]) => [name, Buffer.from(value).toString('latin1')] as const),
  })
  const exchange = new Exchange(request, 'rule', data.groups)
  exchange.subject = data.subject
  exchange.extra = data.extra
  for (const [name, values] of Object.entries(data.header ?? {})) exchange.headers.set(name, values)
  return exchange
}
