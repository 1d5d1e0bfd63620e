import { decodeJson, encodeJson, type JsonStyle } from '../format/json.ts'
import { fn, type GoFunc } from '../values/func.ts'
import { LimitError } from '../values/limits.ts'
import { ANY, STRING } from '../values/param.ts'
import type { Value } from '../values/value.ts'

const PLAIN: JsonStyle = { escapesHtml: true, indent: '' }
const PRETTY: JsonStyle = { escapesHtml: true, indent: '  ' }
const RAW: JsonStyle = { escapesHtml: false, indent: '' }

/** Reading and writing JSON. Those without `must` give nothing where the others fail. */
export const JSON_FUNCTIONS: Readonly<Record<string, GoFunc>> = {
  fromJson: fn([STRING], (text) => forgiving(() => decodeJson(text), null)),
  mustFromJson: fn([STRING], decodeJson),
  mustToJson: fn([ANY], (value) => encodeJson(value, PLAIN)),
  mustToPrettyJson: fn([ANY], (value) => encodeJson(value, PRETTY)),
  mustToRawJson: fn([ANY], (value) => encodeJson(value, RAW)),
  toJson: fn([ANY], (value) => forgiving(() => encodeJson(value, PLAIN), '')),
  toPrettyJson: fn([ANY], (value) => forgiving(() => encodeJson(value, PRETTY), '')),
  toRawJson: fn([ANY], (value) => encodeJson(value, RAW)),
}

function forgiving(work: () => Value, otherwise: Value): Value {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof LimitError) throw cause
    return otherwise
  }
}
