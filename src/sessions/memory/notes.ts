import { LRUCache } from 'lru-cache'
import type { Clock } from '../../kernel/clock.ts'

/** When as many are kept, the one unused for longest goes. */
const MAX_NOTES = 20_000

interface Note {
  readonly text: string
  readonly expiresAt: number
}

/** Notes in this process. */
export class MemoryNotes {
  readonly #notes = new LRUCache<string, Note>({ max: MAX_NOTES })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  putNote(name: string, text: string, expiresAt: number): void {
    this.#notes.set(name, { text, expiresAt })
  }

  getNote(name: string): string | undefined {
    const note = this.#notes.get(name)
    return note !== undefined && note.expiresAt > this.#clock.now() ? note.text : undefined
  }
}
