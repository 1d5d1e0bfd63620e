import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { numberField, octetsField, ProtobufError, readFields } from './protobuf.ts'

function fieldsOf(message: Buffer): [number, string][] {
  const found: [number, string][] = []
  readFields(message, (field, value) => found.push([field, value.toString('latin1')]))
  return found
}

test('what is written is read again, numbers are passed over', () => {
  const one = fc.record({ field: fc.integer({ min: 1, max: 2 ** 29 - 1 }), octets: fc.uint8Array({ maxLength: 300 }) })
  fc.assert(
    fc.property(fc.array(one), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (list, number) => {
      const parts = list.map(({ field, octets }) => octetsField(field, Buffer.from(octets)))
      const message = Buffer.concat(parts.flatMap((part) => [numberField(7, number), part]))
      assert.deepEqual(
        fieldsOf(message),
        list.map(({ field, octets }) => [field, Buffer.from(octets).toString('latin1')]),
      )
    }),
  )
})

test('the examples of the format’s own description', () => {
  assert.deepEqual(numberField(1, 150), Buffer.from('089601', 'hex'))
  assert.deepEqual(octetsField(2, Buffer.from('testing')), Buffer.from('120774657374696e67', 'hex'))
  assert.deepEqual(octetsField(3, numberField(1, 150)), Buffer.from('1a03089601', 'hex'))
  assert.deepEqual(fieldsOf(Buffer.from('1a03089601', 'hex')), [[3, '\x08\x96\x01']])
})

test('numbers of every width are passed over', () => {
  const message = Buffer.from(['08ffffffffffffffffff01', '0d01020304', '110102030405060708', '0a0161'].join(''), 'hex')
  assert.deepEqual(fieldsOf(message), [[1, 'a']])
})

test('what is no message is refused, whatever it says of its own length', () => {
  const broken = [
    '08', // a number without octets
    '0880', // one that does not end
    '08ffffffffffffffffffff01', // one of eleven octets
    '0a', // no length
    '0a05616263', // longer than the message
    '0affffffffffffffffff0161', // as long as nothing is
    '0d010203', // a short 32-bit number
    '1101020304050607', // a short 64-bit number
    '0b0c', // a group
    '0e', // a type that does not exist
    '0200', // field 0
    'f8ffffff7f00', // a field above the highest
  ]
  for (const hex of broken) assert.throws(() => fieldsOf(Buffer.from(hex, 'hex')), ProtobufError, hex)
})

test('hostile octets end in an error or in fields, at once', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      try {
        const found = fieldsOf(Buffer.from(octets))
        assert.ok(found.reduce((sum, [, value]) => sum + value.length, 0) <= octets.length)
      } catch (cause) {
        assert.ok(cause instanceof ProtobufError)
      }
    }),
    { numRuns: 2_000 },
  )
})
