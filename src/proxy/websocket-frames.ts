/** Of a frame's head: the longest length, and the key of a masked one. */
const MAX_HEAD = 14
const CLOSE = 0x8
/** The session is over: "violates the policy" (RFC 6455 §7.4.1). */
const POLICY_VIOLATION = 1008

/**
 * Follows the frames of a WebSocket as they go by, without keeping anything of them: between two of them, and only there,
 * something may be added.
 * @see [RFC 6455 §5.2](https://www.rfc-editor.org/rfc/rfc6455.html#section-5.2)
 */
export class FrameReader {
  readonly #head = new Uint8Array(MAX_HEAD)
  #headLength = 0
  #payloadLeft = 0
  #closed = false

  /** Whether a frame may follow here; none may behind the one that closes. */
  get isBetweenFrames(): boolean {
    return this.#headLength === 0 && this.#payloadLeft === 0 && !this.#closed
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const passed = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= passed
        at += passed
        continue
      }
      this.#head[this.#headLength++] = chunk[at++] ?? 0
      if (this.#headLength === headLengthOf(this.#head, this.#headLength)) this.#begin()
    }
  }

  #begin(): void {
    this.#closed ||= ((this.#head[0] ?? 0) & 0x0f) === CLOSE
    this.#payloadLeft = payloadLengthOf(this.#head)
    this.#headLength = 0
  }
}

/** The frame by which a server closes, unmasked. */
export function closeFrame(reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(POLICY_VIOLATION)
  payload.write(reason, 2)
  return Buffer.concat([Buffer.of(0x80 | CLOSE, payload.length), payload])
}

/** As far as it is known from the octets that have come. */
function headLengthOf(head: Uint8Array, known: number): number {
  if (known < 2) return 2
  const second = head[1] ?? 0
  const length = second & 0x7f
  const extended = length === 126 ? 2 : length === 127 ? 8 : 0
  return 2 + extended + (second & 0x80 ? 4 : 0)
}

function payloadLengthOf(head: Uint8Array): number {
  const length = (head[1] ?? 0) & 0x7f
  const view = new DataView(head.buffer)
  if (length === 126) return view.getUint16(2)
  return length === 127 ? Number(view.getBigUint64(2)) : length
}
