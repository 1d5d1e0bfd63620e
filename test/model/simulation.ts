import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/kernel/clock.ts'
import { createRandom, type Random } from './random.ts'

/** Something that will happen, unless whoever it belongs to is dead by then. */
interface Event {
  at: number
  order: number
  readonly run: () => void
  readonly owner: Owner
  isCancelled: boolean
}

/** A process, or the world around it: when it dies, whatever it waited for never comes. */
export interface Owner {
  readonly name: string
  isAlive: boolean
  /** It stands still until then, as one that was stopped; what it waited for comes afterwards. */
  pausedUntil?: number
}

/** Time, and what happens later. */
export interface Events {
  /** Milliseconds since the epoch, with fractions. */
  readonly now: number
  /** What latencies are drawn from. */
  readonly random: Random
  /** Has something happen, unless its owner is dead by then. Gives what cancels it. */
  after(delayMs: number, owner: Owner, run: () => void): () => void
}

const START_MS = 1_700_000_000_000

/**
 * Time, and everything that happens in it, one thing after the other. What code under test does between two events is all done
 * before the next: the order of events is the order of everything, and the same seed gives the same order.
 */
export class Simulation implements Events {
  /** For latencies; a step sets its own seed, so that a step that is left out does not change those of the others. */
  random: Random = createRandom(0)
  #now = START_MS
  #order = 0
  /** A binary heap, by time and then by order. */
  readonly #heap: Event[] = []
  readonly #pending = new Map<Owner, number>()

  /** Milliseconds since the epoch, with fractions. */
  get now(): number {
    return this.#now
  }

  /** How many events of the owner are still to come. */
  pendingOf(owner: Owner): number {
    return this.#pending.get(owner) ?? 0
  }

  after(delayMs: number, owner: Owner, run: () => void): () => void {
    const event: Event = {
      at: this.#now + Math.max(0, delayMs),
      order: this.#order++,
      run,
      owner,
      isCancelled: false,
    }
    this.#push(event)
    this.#pending.set(owner, this.pendingOf(owner) + 1)
    return () => {
      if (event.isCancelled) return
      event.isCancelled = true
      this.#pending.set(owner, this.pendingOf(owner) - 1)
    }
  }

  /** The clock that a process sees: whole milliseconds, `aheadMs` of the true time, and timers that die with it. */
  clockOf(owner: Owner, aheadMs = 0): Clock {
    return {
      now: () => Math.floor(this.#now) + aheadMs,
      schedule: (delayMs, run) => this.after(delayMs, owner, run),
    }
  }

  /** Lets code under test do what it can do at once. */
  async settle(): Promise<void> {
    await turn()
  }

  /** Moves time forward, event by event. */
  async advance(byMs: number): Promise<void> {
    const end = this.#now + byMs
    for (let first = this.#heap[0]; first !== undefined && first.at <= end; first = this.#heap[0]) {
      const event = this.#pop()
      if (event === undefined || event.isCancelled) continue
      const { pausedUntil = 0 } = event.owner
      if (event.owner.isAlive && pausedUntil > event.at) {
        this.#push(Object.assign(event, { at: pausedUntil, order: this.#order++ }))
        continue
      }
      event.isCancelled = true
      this.#pending.set(event.owner, this.pendingOf(event.owner) - 1)
      if (!event.owner.isAlive) continue
      this.#now = Math.max(this.#now, event.at)
      event.run()
      await turn()
    }
    this.#now = end
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]]
    if (a === undefined || b === undefined) return a !== undefined
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap
    ;[heap[one], heap[other]] = [heap[other] as Event, heap[one] as Event]
  }

  #push(event: Event): void {
    let at = this.#heap.push(event) - 1
    for (let parent = (at - 1) >> 1; at > 0 && this.#isBefore(at, parent); parent = (at - 1) >> 1) {
      this.#swap(at, parent)
      at = parent
    }
  }

  #pop(): Event | undefined {
    const [first] = this.#heap
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || this.#heap.length === 0) return first
    this.#heap[0] = last
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const least = right < this.#heap.length && this.#isBefore(right, left) ? right : left
      if (least >= this.#heap.length || !this.#isBefore(least, at)) return first
      this.#swap(at, least)
      at = least
    }
  }
}
