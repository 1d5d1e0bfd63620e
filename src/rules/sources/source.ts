import type { Clock } from '../../kernel/clock.ts'

/** Told what a source holds whenever that changes. */
export interface SourceListener {
  onContent(content: Uint8Array): void
  /** The source cannot be taken; `message` is for the operator and names what to check. */
  onFailure(message: string): void
}

/** A place that rules come from. */
export interface RuleSource {
  /** As configured, without credentials; for logs, health and problems. */
  readonly name: string
  /** Reads once and tells the listener, then goes on telling of changes where the kind of source can. */
  start(listener: SourceListener): Promise<void>
  /** Looks now, where it would look later or be told; absent where there is nothing to look at. */
  lookAgain?(): void
  close(): void
}

export interface SourceContext {
  /** Folder that relative paths begin at. */
  readonly baseDir: string
  readonly clock: Clock
  /** Look after changes? False for one look at the rules (`validate`). */
  readonly watch: boolean
  /** `access_rules.refresh_interval`, for sources that do not tell by themselves; nothing: fetched once. */
  readonly refreshIntervalMs: () => number | undefined
}

/** Makes sources of one scheme. @throws {Error} with a sentence when the location is none of its kind. */
export type SourceFactory = (location: string, context: SourceContext) => RuleSource
