import type { Clock } from '../kernel/clock.ts'
import type { Problem } from '../kernel/problem.ts'
import type { MatchingStrategy } from './patterns/compile.ts'
import { type ReadRule, readSource, type SourceContent } from './read-source.ts'
import type { RuleSource } from './sources/source.ts'

/** What is known of one source. */
export interface SourceState {
  readonly name: string
  /** It was good once: its last good rules are in force. */
  readonly loaded: boolean
  /** What is wrong with what it holds now; empty when it is good. */
  readonly problems: readonly Problem[]
  /** What works in its last good rules and is probably not meant. */
  readonly warnings: readonly Problem[]
  /** Since when it is good, or is not. Milliseconds since the epoch. */
  readonly since: number
}

/** A source with its last good rules. */
export class HeldSource {
  readonly location: string
  readonly #source: RuleSource
  readonly #clock: Clock
  #content: Uint8Array | undefined
  /** How the content was read last; nothing while it waits to be read. */
  #readAs: MatchingStrategy | undefined
  #rules: readonly ReadRule[] | undefined
  #warnings: readonly Problem[] = []
  #state: SourceState

  constructor(location: string, source: RuleSource, clock: Clock) {
    this.location = location
    this.#source = source
    this.#clock = clock
    this.#state = { name: source.name, loaded: false, problems: [], warnings: [], since: clock.now() }
  }

  get state(): SourceState {
    return this.#state
  }

  get rules(): readonly ReadRule[] {
    return this.#rules ?? []
  }

  /** Resolves when the source was asked once. `changed`: there is something to read; `failed`: it could not be asked. */
  start(listener: { changed(): void; failed(): void }): Promise<void> {
    return this.#source.start({
      onContent: (content) => {
        this.#content = content
        this.#readAs = undefined
        listener.changed()
      },
      onFailure: (message) => {
        this.#note([{ source: this.#source.name, path: '', message }])
        // What was there before is read again when it comes back.
        this.#readAs = undefined
        this.#content = undefined
        listener.failed()
      },
    })
  }

  /** Reads what came last, if that is to do; keeps what it had when that cannot be taken. */
  async read(strategy: MatchingStrategy): Promise<'unchanged' | 'taken' | 'refused'> {
    const content = this.#content
    if (content === undefined || this.#readAs === strategy) return 'unchanged'
    const read = this.#isEmptied(content) ? this.#emptied() : await readSource(this.#source.name, content, strategy)
    // Something else came meanwhile, and waits for the next round.
    if (content !== this.#content) return 'unchanged'
    this.#readAs = strategy
    if ('problems' in read) {
      this.#note(read.problems)
      return 'refused'
    }
    this.#rules = read.rules
    this.#warnings = read.warnings
    this.#note([])
    return 'taken'
  }

  lookAgain(): void {
    this.#source.lookAgain?.()
  }

  close(): void {
    this.#source.close()
  }

  /** A file is empty for a moment while it is written anew, and for good when the disk is full: nobody means that. */
  #isEmptied(content: Uint8Array): boolean {
    return content.length === 0 && this.rules.length > 0
  }

  #emptied(): SourceContent {
    return { problems: [{ source: this.#source.name, path: '', message: 'is empty; no rules are written as []' }] }
  }

  #note(problems: readonly Problem[]): void {
    const wasGood = this.#state.loaded && this.#state.problems.length === 0
    const isGood = problems.length === 0
    const since = wasGood === isGood ? this.#state.since : this.#clock.now()
    const loaded = this.#rules !== undefined
    this.#state = { name: this.#source.name, loaded, problems, warnings: this.#warnings, since }
  }
}
