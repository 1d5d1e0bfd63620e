import type { Exchange } from '../../kernel/exchange.ts'
import type { HeaderList } from '../../kernel/headers.ts'
import { canonicalHeaderName } from '../../lib/go-header.ts'
import { fromHeaderValue } from '../../lib/header-value.ts'
import { noResult } from '../url/query.ts'
import { NIL_URL, urlPointer } from '../url/url-type.ts'
import { EMPTY_URL } from '../url/url.ts'
import { stringSlice } from '../values/collection.ts'
import { deepCopy } from '../values/deep-copy.ts'
import { fn, methods } from '../values/func.ts'
import { type Param, STRING } from '../values/param.ts'
import { ANY_MAP, GoMap, GoSlice, GoStruct, type StructType, type Value } from '../values/value.ts'
import { HTTP_HEADER } from './header-type.ts'

const NIL_MAP = new GoMap(ANY_MAP, new Map(), true)
const NIL_STRINGS = new GoSlice('string', [], true)
const SELF: Param<GoStruct> = {
  name: '*authn.AuthenticationSession',
  literal: 'none',
  accepts: (v) => v instanceof GoStruct,
}

const MATCH_CONTEXT: StructType = {
  name: 'authn.MatchContext',
  fields: [
    {
      name: 'RegexpCaptureGroups',
      json: 'regexp_capture_groups',
      get: (self) => (self as SessionView).captureGroups,
    },
    { name: 'URL', json: 'url', get: (self) => (self as SessionView).url },
    { name: 'Method', json: 'method', get: (self) => (self as SessionView).method },
    { name: 'Header', json: 'header', get: (self) => (self as SessionView).requestHeader },
  ],
  methods: new Map(),
}

const SESSION: StructType = {
  name: 'authn.AuthenticationSession',
  fields: [
    { name: 'Subject', json: 'subject', get: (self) => (self as SessionView).exchange.subject },
    { name: 'Extra', json: 'extra', get: (self) => (self as SessionView).extra },
    { name: 'Header', json: 'header', get: (self) => (self as SessionView).header },
    { name: 'MatchContext', json: 'match_context', get: (self) => new GoStruct(MATCH_CONTEXT, false, self) },
  ],
  methods: methods({ SetHeader: fn([SELF, STRING, STRING], () => noResult('SetHeader')) }),
}

/** What a template sees of an exchange: Oathkeeper's authentication session. Made when something asks for it. */
class SessionView {
  readonly exchange: Exchange
  readonly #copiesExtra: boolean
  #extra: Value
  #url: Value
  #requestHeader: Value

  constructor(exchange: Exchange, copiesExtra: boolean) {
    this.exchange = exchange
    this.#copiesExtra = copiesExtra
  }

  get extra(): Value {
    const { extra } = this.exchange
    if (extra === undefined) return NIL_MAP
    if (!this.#copiesExtra) return extra
    this.#extra ??= deepCopy(extra)
    return this.#extra
  }

  get captureGroups(): Value {
    const { matchContext, captureGroups } = this.exchange
    const groups = matchContext === undefined ? captureGroups : matchContext.captureGroups
    return groups === undefined ? NIL_STRINGS : stringSlice(groups)
  }

  get url(): Value {
    this.#url ??= urlOf(this.exchange)
    return this.#url
  }

  get method(): string {
    const { matchContext, request } = this.exchange
    return matchContext?.method ?? request.method
  }

  get requestHeader(): Value {
    const { matchContext, request } = this.exchange
    this.#requestHeader ??= headerOf(matchContext === undefined ? request.headers : matchContext.headers)
    return this.#requestHeader
  }

  get header(): Value {
    const lists = [...this.exchange.headers].map(
      ([name, values]) => [name, stringSlice(values.map(fromHeaderValue))] as const,
    )
    return new GoMap(HTTP_HEADER, new Map(lists), lists.length === 0)
  }
}

/**
 * The data of a template: a *authn.AuthenticationSession.
 * @param copiesExtra whether the template changes maps: claims may be shared by many requests, so it gets its own
 */
export function sessionOf(exchange: Exchange, copiesExtra: boolean): GoStruct {
  return new GoStruct(SESSION, true, new SessionView(exchange, copiesExtra))
}

function urlOf({ matchContext, request }: Exchange): Value {
  if (matchContext !== undefined) {
    return matchContext.url === undefined ? NIL_URL : urlPointer({ ...EMPTY_URL, ...matchContext.url })
  }
  const { scheme, host, path, rawPath, rawQuery } = request
  return urlPointer({ ...EMPTY_URL, scheme, host, path, rawPath, rawQuery })
}

/** By canonical name, without `Host`, as Go's http.Request has them. */
function headerOf(headers: HeaderList | undefined): Value {
  if (headers === undefined) return new GoMap(HTTP_HEADER, new Map(), true)
  const lists = new Map<string, string[]>()
  for (const [wireName, value] of headers) {
    const name = canonicalHeaderName(wireName)
    if (name === 'Host') continue
    const known = lists.get(name)
    const text = fromHeaderValue(value)
    if (known === undefined) lists.set(name, [text])
    else known.push(text)
  }
  return new GoMap(HTTP_HEADER, new Map([...lists].map(([name, values]) => [name, stringSlice(values)])))
}
