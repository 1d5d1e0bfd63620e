import { CORE_SCHEMA, defineScalarTag, mergeTag, NOT_RESOLVED } from 'js-yaml'

const YES = ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']
const NO = ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']
const WHOLE = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/
const OCTAL = /^0[0-7]/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/

const truth = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  implicitFirstChars: [...new Set([...YES, ...NO].map((word) => word.charAt(0)))],
  resolve: (source) => (YES.includes(source) ? true : NO.includes(source) ? false : NOT_RESOLVED),
  identify: () => false,
})

const whole = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: [...'-+0123456789'],
  resolve(source) {
    const [, sign, digits = ''] = WHOLE.exec(source.replaceAll('_', '')) ?? []
    if (digits === '') return NOT_RESOLVED
    const value = Number(OCTAL.test(digits) ? `0o${digits.slice(1)}` : digits)
    return sign === '-' ? -value : value
  },
  identify: () => false,
})

const float = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  implicitFirstChars: [...'-+.0123456789'],
  resolve(source) {
    const digits = source.replaceAll('_', '')
    return FLOAT.test(digits) ? Number(digits) : NOT_RESOLVED
  },
  identify: () => false,
})

/**
 * How Go's yaml.v2 reads plain words, which is what reads the rules of Oathkeeper: `yes`, `on`, `n` and the like are truth
 * values, `0777` is octal, `1_000` a number. Dates stay text.
 */
export const GO_SCHEMA = CORE_SCHEMA.withTags(truth, whole, float, mergeTag)
