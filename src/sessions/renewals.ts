import type { OpenedRecord, SessionRecords } from './records.ts'
import type { SessionContent } from './record.ts'

/** What became of a session whose tokens or claims were due. */
export type RefreshResult =
  /** Go on with this one: renewed here or elsewhere, or as it was. */
  | { readonly kind: 'open'; readonly opened: OpenedRecord }
  /** The session is over: the provider refused the refresh token, or somebody ended it meanwhile. */
  | { readonly kind: 'ended'; readonly opened: OpenedRecord }

/** What a record is to say; nothing where there is no reason to write it any more. */
export type ChangeContent = (content: SessionContent) => SessionContent | undefined

/** Renewed, and not yet in the store because it could not be asked. */
export interface Unsaved {
  readonly opened: OpenedRecord
  /** Resolves when it is there, or given up. */
  readonly settled: Promise<void>
}

interface Debt extends Unsaved {
  readonly used: OpenedRecord
  readonly change: ChangeContent
  settle(): void
}

const MAX_CONFLICTS = 10
const SAVE_AGAIN_MS = 1_000
const SAVE_ATTEMPTS = 600

/** Writes what came of refreshes: over whatever version is there, as long as it still has the tokens that were used. */
export class Renewals {
  readonly #records: SessionRecords
  readonly #debts = new Map<string, Debt>()

  constructor(records: SessionRecords) {
    this.#records = records
  }

  unsaved(key: string): Unsaved | undefined {
    return this.#debts.get(key)
  }

  /** Rejects when the store cannot be asked. */
  async write(used: OpenedRecord, change: ChangeContent): Promise<RefreshResult> {
    let base = used
    for (let conflict = 0; conflict < MAX_CONFLICTS; conflict++) {
      const content = change(base.content)
      if (content === undefined) return { kind: 'open', opened: base }
      const written = await this.#records.update(base, content)
      if (written !== undefined) return { kind: 'open', opened: written }
      const latest = await this.#records.read(used.ticket, used.sealKey)
      if (latest === undefined) return { kind: 'ended', opened: used }
      if (!hasSameTokens(latest, used)) return { kind: 'open', opened: latest }
      base = latest
    }
    throw new Error('the record was written by others each time')
  }

  /**
   * Writes new tokens: the old refresh token is spent, so they must reach the store, or the session cannot be refreshed ever again. While
   * it cannot be asked they are used from here and written as soon as it can.
   */
  async save(used: OpenedRecord, change: (content: SessionContent) => SessionContent): Promise<RefreshResult> {
    try {
      return await this.write(used, change)
    } catch {
      const opened = { ...used, content: change(used.content) }
      const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
      const debt = { opened, used, change, settled, settle }
      this.#debts.set(used.ticket.key, debt)
      this.#payLater(debt, SAVE_ATTEMPTS)
      return { kind: 'open', opened }
    }
  }

  /** A last attempt for what is still to be written. */
  async close(): Promise<void> {
    await Promise.all([...this.#debts.values()].map((debt) => this.#pay(debt, 1)))
  }

  #payLater(debt: Debt, attemptsLeft: number): void {
    this.#records.clock.schedule(SAVE_AGAIN_MS, () => {
      if (this.#debts.has(debt.used.ticket.key)) void this.#pay(debt, attemptsLeft)
    })
  }

  async #pay(debt: Debt, attemptsLeft: number): Promise<void> {
    const { used, change } = debt
    try {
      await this.write(used, change)
    } catch (cause: unknown) {
      if (attemptsLeft > 1) return this.#payLater(debt, attemptsLeft - 1)
      const { id, provider } = used.content.session
      const detail = cause instanceof Error ? cause.message : String(cause)
      this.#records.logger.warn({ session_id: id, provider, detail }, 'refreshed tokens could not be stored')
    }
    this.#debts.delete(used.ticket.key)
    debt.settle()
  }
}

/** Whether nobody has renewed the tokens since. */
export function hasSameTokens(a: OpenedRecord, b: OpenedRecord): boolean {
  const [one, other] = [a.content.session.tokens, b.content.session.tokens]
  return one.accessToken === other.accessToken && one.refreshToken === other.refreshToken
}
