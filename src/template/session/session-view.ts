import type { Exchange } from '../../kernel/exchange.ts'
import type { RequestView } from '../../kernel/request.ts'
import { canonicalHeaderName } from '../../lib/go-header.ts'
import { isAscii, stringOf } from '../../lib/go-string.ts'
import { noResult } from '../url/query.ts'
import { urlPointer } from '../url/url-type.ts'
import { EMPTY_URL } from '../url/url.ts'
import { stringSlice } from '../values/collection.ts'
import { deepCopy } from '../values/deep-copy.ts'
import { fn, methods } from '../values/func.ts'
import { type Param, STRING } from '../values/param.ts'
import { ANY_MAP, GoMap, GoStruct, type StructType, type Value } from '../values/value.ts'
import { HTTP_HEADER } from './header-type.ts'

const NIL_MAP = new GoMap(ANY_MAP, new Map(), true)
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
      get: (self) => stringSlice((self as SessionView).exchange.captureGroups),
    },
    { name: 'URL', json: 'url', get: (self) => (self as SessionView).url },
    { name: 'Method', json: 'method', get: (self) => (self as SessionView).exchange.request.method },
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

  get url(): Value {
    this.#url ??= urlOf(this.exchange.request)
    return this.#url
  }

  get requestHeader(): Value {
    this.#requestHeader ??= headerOf(this.exchange.request)
    return this.#requestHeader
  }

  get header(): Value {
    const lists = [...this.exchange.headers].map(([name, values]) => [name, stringSlice(values.map(textOf))] as const)
    return new GoMap(HTTP_HEADER, new Map(lists))
  }
}

/**
 * The data of a template: a *authn.AuthenticationSession.
 * @param copiesExtra whether the template changes maps: claims may be shared by many requests, so it gets its own
 */
export function sessionOf(exchange: Exchange, copiesExtra: boolean): GoStruct {
  return new GoStruct(SESSION, true, new SessionView(exchange, copiesExtra))
}

function urlOf({ scheme, host, path, rawPath, rawQuery }: RequestView): Value {
  return urlPointer({ ...EMPTY_URL, scheme, host, path, rawPath, rawQuery })
}

/** By canonical name, without `Host`, as Go's http.Request has them. */
function headerOf(request: RequestView): Value {
  const lists = new Map<string, string[]>()
  for (const [wireName, value] of request.headers) {
    const name = canonicalHeaderName(wireName)
    if (name === 'Host') continue
    const known = lists.get(name)
    const text = textOf(value)
    if (known === undefined) lists.set(name, [text])
    else known.push(text)
  }
  return new GoMap(HTTP_HEADER, new Map([...lists].map(([name, values]) => [name, stringSlice(values)])))
}

/** A header's value, whose bytes the wire form holds as Latin-1 characters. */
function textOf(value: string): string {
  return isAscii(value) ? value : stringOf(Buffer.from(value, 'latin1'))
}
