/**
 * Which keys are being read. A message that a key has changed may be handled before the reply that was sent ahead of it: a
 * reading during which such a message came vouches for nothing.
 */
export class Readings {
  readonly #readings = new Map<string, { readers: number; isChanged: boolean }>()

  /** Call the result when the reply is there: it tells whether the key may have changed meanwhile. */
  begin(key: string): () => boolean {
    const reading = this.#readings.get(key) ?? { readers: 0, isChanged: false }
    if (reading.readers++ === 0) this.#readings.set(key, reading)
    return () => {
      if (--reading.readers === 0) this.#readings.delete(key)
      return reading.isChanged
    }
  }

  /** Without a key: all of them. */
  noteChange(key: string | undefined): void {
    if (key === undefined) for (const reading of this.#readings.values()) reading.isChanged = true
    else {
      const reading = this.#readings.get(key)
      if (reading !== undefined) reading.isChanged = true
    }
  }
}
