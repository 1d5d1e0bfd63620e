import type { Owner } from './simulation.ts'
import { Trouble } from './trouble.ts'

/** What is known of an instance from outside. */
export interface Observed {
  readonly name: string
  readonly owner: Owner
  /** When the store could not be asked from here, or not well. */
  readonly trouble: Trouble
  /** By session, when it was first asked here to end it. */
  readonly endsCalled: Map<number, number>
  /** By session, the highest number of an access token that was given here. */
  readonly tokensGiven: Map<number, number>
  diedAt: number | undefined
}

export function createObserved(name: string): Observed {
  return {
    name,
    owner: { name, isAlive: true },
    trouble: new Trouble(),
    endsCalled: new Map(),
    tokensGiven: new Map(),
    diedAt: undefined,
  }
}
