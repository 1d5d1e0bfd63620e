interface Span {
  readonly from: number
  /** Not included. */
  until: number
}

/** When something was there, and when not. */
export class Timeline {
  readonly #spans: Span[] = []

  /** It is there from now on, until `until`; what was there goes on. */
  extend(now: number, until: number): void {
    const last = this.#spans.at(-1)
    if (last !== undefined && last.until > now) last.until = until
    else this.#spans.push({ from: now, until })
  }

  /** As `extend`, where it may also end earlier than it did. */
  set(now: number, until: number): void {
    this.end(now)
    this.#spans.push({ from: now, until })
  }

  end(now: number): void {
    const last = this.#spans.at(-1)
    if (last !== undefined && last.until > now) last.until = now
  }

  /** Whether it was there at some moment from `from` to `to`, both included. */
  wasThere(from: number, to: number): boolean {
    return this.#spans.some((span) => span.from <= to && span.until > from)
  }

  /** Whether there was a moment from `from` to `to` at which it was not there. */
  wasMissing(from: number, to: number): boolean {
    return !this.#isCovered(from, to)
  }

  /** When it ended last, before or at `by`; `undefined` while it is there or never was. */
  endedAt(by: number): number | undefined {
    const last = this.#spans.findLast((span) => span.from <= by)
    return last === undefined || last.until > by ? undefined : last.until
  }

  /** Spans that follow each other without a gap (a record that was put back to an earlier state) are one. */
  #isCovered(from: number, to: number): boolean {
    let reached = from
    for (const span of this.#spans) {
      if (span.from <= reached && span.until > reached) reached = span.until
      if (reached > to) return true
    }
    return false
  }
}
