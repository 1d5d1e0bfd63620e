/** When something was wrong. */
export class Trouble {
  readonly #spans: { readonly from: number; until: number }[] = []

  add(from: number, until: number): void {
    this.#spans.push({ from, until })
  }

  /** What was said to go on from `from` ended at `until`. */
  cut(from: number, until: number): void {
    const span = this.#spans.find((known) => known.from === from && known.until > until)
    if (span !== undefined) span.until = until
  }

  /** Whether anything was wrong at some moment from `from` to `to`. */
  overlaps(from: number, to: number): boolean {
    return this.#spans.some((span) => span.from <= to && span.until >= from)
  }

  /** For how long something was wrong from `from` to `to`; what was wrong twice counts twice. */
  within(from: number, to: number): number {
    return this.#spans.reduce((sum, span) => sum + Math.max(0, Math.min(span.until, to) - Math.max(span.from, from)), 0)
  }
}
