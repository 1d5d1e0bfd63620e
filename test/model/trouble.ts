/** When something was wrong. */
export class Trouble {
  readonly #spans: { readonly from: number; readonly until: number }[] = []

  add(from: number, until: number): void {
    this.#spans.push({ from, until })
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
