import type { ActiveSessions } from './active-sessions.ts'
import { endOf } from './lifetimes.ts'
import type { OpenedRecord, SessionRecords } from './records.ts'

const LOOK_EVERY_MS = 30_000
/** So many are asked for in one look; the others have time until the next. */
const MAX_ASKED = 1_000

/**
 * Notices that the time of sessions is over to which nobody comes back. A store elsewhere forgets them without a word, so those that
 * were open here are looked through; where the store hears of all other ends, silence means that there was none.
 */
export class EndWatch {
  readonly #records: SessionRecords
  readonly #active: ActiveSessions
  #cancel: (() => void) | undefined
  #isStopped = false

  constructor(records: SessionRecords, active: ActiveSessions) {
    this.#records = records
    this.#active = active
  }

  /** There is a session that may end. */
  begin(): void {
    const { store, clock } = this.#records
    if (this.#cancel !== undefined || this.#isStopped || store.hearsOfEnds !== true) return
    this.#cancel = clock.schedule(LOOK_EVERY_MS, () => void this.#look())
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
  }

  async #look(): Promise<void> {
    try {
      for (const opened of this.#over()) await this.#ask(opened)
    } catch (cause) {
      // They are still here for the next look.
      this.#records.logger.debug({ cause }, 'whether sessions are over could not be asked')
    }
    this.#cancel = undefined
    this.begin()
  }

  #over(): OpenedRecord[] {
    const { clock, lifetimes } = this.#records
    const now = clock.now()
    const over: OpenedRecord[] = []
    for (const opened of this.#active.opened()) {
      if (endOf(opened.content, lifetimes) <= now && over.push(opened) === MAX_ASKED) break
    }
    return over
  }

  /** Another instance may have seen its person since; it is opened anew when they come here. */
  async #ask({ ticket: { key }, content }: OpenedRecord): Promise<void> {
    const { store, ends } = this.#records
    const isGone = ends.reasonOf(key) !== undefined || (await store.getSession(key)) === undefined
    this.#active.deleteKey(key)
    if (isGone) ends.notice(key, content)
  }
}
