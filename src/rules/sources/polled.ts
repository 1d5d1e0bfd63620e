import type { RuleSource, SourceContext, SourceListener } from './source.ts'

/** What was fetched, and what the next fetch can say that it has. */
export interface Fetched<Known> {
  readonly content: Uint8Array
  readonly known: Known
}

/**
 * Gets the content; nothing when it is still what the caller knows. Has its own deadline.
 * @throws {Error} whose message is for the operator, and holds no credentials.
 */
export type Fetch<Known> = (known: Known | undefined) => Promise<Fetched<Known> | undefined>

export interface PolledOptions<Known> {
  /** Without credentials. */
  readonly name: string
  readonly fetch: Fetch<Known>
  /** Ends what `fetch` holds open. */
  readonly close?: () => void
}

/** How long the start waits for a slow source; it is taken when it comes. */
const START_PATIENCE_MS = 5_000
/** The wait after a first failure; it doubles with each further one. */
const FIRST_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 60_000
/** Attempts where there is one look only. */
const LOOKS = 3

/** A source elsewhere: fetched again every `access_rules.refresh_interval`, sooner while it fails. */
export function polledSource<Known>(options: PolledOptions<Known>, context: SourceContext): RuleSource {
  return new PolledSource(options, context)
}

class PolledSource<Known> implements RuleSource {
  readonly name: string
  readonly #options: PolledOptions<Known>
  readonly #context: SourceContext
  #good: Fetched<Known> | undefined
  #failures = 0
  #isClosed = false
  #isFetching = false
  #listener: SourceListener | undefined
  #cancel: (() => void) | undefined

  constructor(options: PolledOptions<Known>, context: SourceContext) {
    this.name = options.name
    this.#options = options
    this.#context = context
  }

  async start(listener: SourceListener): Promise<void> {
    if (!this.#context.watch) {
      await this.#look(listener)
      return
    }
    this.#listener = listener
    const { promise: patience, resolve } = Promise.withResolvers<undefined>()
    const cancel = this.#context.clock.schedule(START_PATIENCE_MS, () => resolve(undefined))
    await Promise.race([this.#round(listener), patience])
    cancel()
  }

  lookAgain(): void {
    if (this.#isClosed || this.#isFetching || this.#listener === undefined) return
    this.#cancel?.()
    void this.#round(this.#listener)
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#options.close?.()
  }

  /** One good look, or the failure of the last attempt. */
  async #look(listener: SourceListener): Promise<void> {
    for (let attempt = 1; !this.#isClosed; attempt++) {
      const failure = await this.#attempt(listener)
      if (failure === undefined) return
      if (attempt === LOOKS) {
        listener.onFailure(failure)
        return
      }
      await new Promise<void>((resolve) => this.#context.clock.schedule(this.#backoffMs(), resolve))
    }
  }

  async #round(listener: SourceListener): Promise<void> {
    this.#isFetching = true
    const failure = await this.#attempt(listener)
    this.#isFetching = false
    if (this.#isClosed) return
    if (failure === undefined) this.#waitForNext(listener)
    else {
      listener.onFailure(failure)
      this.#schedule(this.#backoffMs(), listener)
    }
  }

  /** Gives the reason when it failed. */
  async #attempt(listener: SourceListener): Promise<string | undefined> {
    try {
      const fetched = await this.#options.fetch(this.#good?.known)
      if (this.#isClosed) return undefined
      this.#take(fetched, listener)
      this.#failures = 0
      return undefined
    } catch (cause: unknown) {
      this.#failures++
      return cause instanceof Error ? cause.message : String(cause)
    }
  }

  #take(fetched: Fetched<Known> | undefined, listener: SourceListener): void {
    const before = this.#good
    const now = fetched ?? before
    if (now === undefined) throw new Error(`${this.name} says that nothing changed, though it gave nothing yet`)
    this.#good = now
    const isSame = before !== undefined && Buffer.compare(now.content, before.content) === 0
    // After a failure the listener has to hear that what it has is good again.
    if (!isSame || this.#failures > 0) listener.onContent(now.content)
  }

  #waitForNext(listener: SourceListener): void {
    const intervalMs = this.#context.refreshIntervalMs()
    if (intervalMs !== undefined) this.#schedule(intervalMs, listener)
    // The interval may be set while this runs.
    else this.#cancel = this.#context.clock.schedule(MAX_BACKOFF_MS, () => this.#waitForNext(listener))
  }

  #schedule(delayMs: number, listener: SourceListener): void {
    this.#cancel = this.#context.clock.schedule(delayMs, () => void this.#round(listener))
  }

  #backoffMs(): number {
    const limitMs = this.#context.refreshIntervalMs() ?? MAX_BACKOFF_MS
    return Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 16), Math.max(limitMs, FIRST_BACKOFF_MS))
  }
}
