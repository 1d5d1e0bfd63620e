import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeFrame, FrameReader } from './websocket-frames.ts'

function frame(payloadLength: number, { opcode = 1, masked = false } = {}): Buffer {
  const mask = masked ? 0x80 : 0
  const payload = Buffer.alloc(payloadLength + (masked ? 4 : 0), 'x')
  if (payloadLength < 126) return Buffer.concat([Buffer.of(0x80 | opcode, mask | payloadLength), payload])
  const extended = Buffer.alloc(payloadLength < 65_536 ? 2 : 8)
  if (extended.length === 2) extended.writeUInt16BE(payloadLength)
  else extended.writeBigUInt64BE(BigInt(payloadLength))
  return Buffer.concat([Buffer.of(0x80 | opcode, mask | (extended.length === 2 ? 126 : 127)), extended, payload])
}

for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) {
  for (const masked of [false, true]) {
    test(`the end of a ${masked ? 'masked ' : ''}frame of ${length} octets is found, however it is cut`, () => {
      const octets = frame(length, { masked })
      for (const cut of [1, 2, 3, 7, octets.length - 1, octets.length].filter((at) => at <= octets.length)) {
        const reader = new FrameReader()
        reader.push(octets.subarray(0, cut))
        assert.equal(reader.isBetweenFrames, cut === octets.length, `after ${cut}`)
        reader.push(octets.subarray(cut))
        assert.equal(reader.isBetweenFrames, true)
      }
    })
  }
}

test('many frames in one chunk, and one frame in many', () => {
  const reader = new FrameReader()
  reader.push(Buffer.concat([frame(3), frame(0, { opcode: 9 }), frame(200), frame(5).subarray(0, 4)]))
  assert.equal(reader.isBetweenFrames, false)
  for (const octet of frame(5).subarray(4)) reader.push(Uint8Array.of(octet))
  assert.equal(reader.isBetweenFrames, true)
})

test('behind a frame that closes nothing follows', () => {
  const reader = new FrameReader()
  reader.push(frame(2, { opcode: 8 }))
  assert.equal(reader.isBetweenFrames, false)
})

test('a close frame has code and reason', () => {
  assert.deepEqual([...closeFrame('over')], [0x88, 6, 0x03, 0xf0, ...Buffer.from('over')])
})
