import { canonicalHeaderName } from '../../lib/go-header.ts'
import { allOf, firstOf, noResult } from '../url/query.ts'
import { fn, methods } from '../values/func.ts'
import { type Param, STRING } from '../values/param.ts'
import { GoMap, type MapType } from '../values/value.ts'

const SELF: Param<GoMap> = { name: 'http.Header', literal: 'none', accepts: (v) => v instanceof GoMap }

/** Go's http.Header: `Get` and `Values` take any spelling, the map itself only the canonical one. */
export const HTTP_HEADER: MapType = {
  name: 'http.Header',
  elem: '[]string',
  methods: methods({
    Get: fn([SELF, STRING], (header, name) => firstOf(header, canonicalHeaderName(name))),
    Values: fn([SELF, STRING], (header, name) => allOf(header, canonicalHeaderName(name))),
    Clone: fn([SELF], (header) => new GoMap(HTTP_HEADER, new Map(header.entries), header.isNil)),
    Add: fn([SELF, STRING, STRING], () => noResult('Add')),
    Set: fn([SELF, STRING, STRING], () => noResult('Set')),
    Del: fn([SELF, STRING], () => noResult('Del')),
  }),
}
