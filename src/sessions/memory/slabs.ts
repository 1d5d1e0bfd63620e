/** Where something lies: a slab, and how far into it. */
export type Place = number

interface Slab {
  readonly index: number
  readonly bytes: Buffer
  readonly pieceBytes: number
  /** Offsets that were given back; the rest of the slab, from `untouched` on, was never given out. */
  readonly free: number[]
  untouched: number
  pieces: number
}

const SLAB_BYTES = 262_144
/** Larger ones have a slab each. */
const MAX_SHARED_BYTES = SLAB_BYTES / 8
/** Pieces are as long as the next multiple of this: of about a thirtieth of their length, where that is more. */
const STEP_BYTES = 64

/**
 * Bytes outside the heap, in pieces cut from few large buffers: whatever their number, there is next to nothing for the garbage
 * collection to look at. A slab that nobody has a piece of goes.
 */
export class Slabs {
  readonly #slabs: (Slab | undefined)[] = []
  readonly #freeIndexes: number[] = []
  /** Slabs with room, by the length of their pieces. */
  readonly #roomy = new Map<number, Slab[]>()

  allocate(bytes: number): Place {
    const pieceBytes = roundUp(bytes)
    const slabs = this.#roomy.get(pieceBytes)
    const slab = slabs?.at(-1) ?? this.#add(pieceBytes)
    const offset = slab.free.pop() ?? slab.untouched
    if (offset === slab.untouched) slab.untouched += pieceBytes
    slab.pieces++
    if (!hasRoom(slab)) this.#roomy.get(pieceBytes)?.pop()
    return slab.index * SLAB_BYTES + offset
  }

  free(place: Place): void {
    const slab = this.#slabAt(place)
    const wasFull = !hasRoom(slab)
    slab.pieces--
    slab.free.push(offsetOf(place))
    const slabs = this.#roomy.get(slab.pieceBytes) ?? []
    if (wasFull) slabs.push(slab)
    // One is kept, so that a single piece that comes and goes does not make and lose a slab each time.
    if (slab.pieces > 0 || (slabs.length === 1 && slab.bytes.length === SLAB_BYTES)) return
    slabs.splice(slabs.indexOf(slab), 1)
    this.#slabs[slab.index] = undefined
    this.#freeIndexes.push(slab.index)
  }

  /** The buffer in which it lies, from `offsetOf` on. */
  bufferOf(place: Place): Buffer {
    return this.#slabAt(place).bytes
  }

  /** How many bytes are set aside, used or not. */
  get bytes(): number {
    return this.#slabs.reduce((sum, slab) => sum + (slab?.bytes.length ?? 0), 0)
  }

  #slabAt(place: Place): Slab {
    const slab = this.#slabs[Math.floor(place / SLAB_BYTES)]
    if (slab === undefined) throw new RangeError('there is nothing at this place')
    return slab
  }

  #add(pieceBytes: number): Slab {
    const bytes = Buffer.allocUnsafeSlow(pieceBytes > MAX_SHARED_BYTES ? pieceBytes : SLAB_BYTES)
    const index = this.#freeIndexes.pop() ?? this.#slabs.length
    const slab: Slab = { index, bytes, pieceBytes, free: [], untouched: 0, pieces: 0 }
    this.#slabs[index] = slab
    const slabs = this.#roomy.get(pieceBytes)
    if (slabs === undefined) this.#roomy.set(pieceBytes, [slab])
    else slabs.push(slab)
    return slab
  }
}

export function offsetOf(place: Place): number {
  return place % SLAB_BYTES
}

function hasRoom({ free, untouched, pieceBytes, bytes }: Slab): boolean {
  return free.length > 0 || untouched + pieceBytes <= bytes.length
}

function roundUp(bytes: number): number {
  const step = Math.max(STEP_BYTES, 2 ** (31 - Math.clz32(bytes)) / 32)
  return Math.ceil(bytes / step) * step
}
