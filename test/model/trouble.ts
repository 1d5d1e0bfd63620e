/** When something was wrong. */
export class Trouble {
  readonly #spans: { readonly from: number; readonly until: number }[] = []

  add(from: number, until: number): void {
    this.#spans.push({ from, until })
  }

  /** For how long things went on being wrong, from the first trouble in `from` to `to` on. */
  lasted(from: number, to: number): number {
    const first = this.#spans.find((span) => span.from <= to && span.until >= from)
    if (first === undefined) return 0
    let { until } = first
    for (const span of this.#spans) if (span.from <= until && span.until > until) ({ until } = span)
    return until - Math.max(first.from, from)
  }

  /** Whether anything was wrong at some moment from `from` to `to`. */
  overlaps(from: number, to: number): boolean {
    return this.#spans.some((span) => span.from <= to && span.until >= from)
  }
}
