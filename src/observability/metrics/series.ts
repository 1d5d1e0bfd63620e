/** Upper bounds of the buckets, in seconds; Oathkeeper's. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** How often, and how long: one set of labels of a counter and a histogram. */
export class Series {
  /** As they stand between braces. */
  readonly labels: string
  /** Observations by bucket, each in one only; the last one is for what is longer than all bounds. */
  readonly #counts = new Float64Array(BOUNDS.length + 1)
  #count = 0
  #sum = 0

  constructor(labels: string) {
    this.labels = labels
  }

  observe(seconds: number): void {
    this.#count++
    this.#sum += seconds
    let bucket = 0
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
  }

  counterText(name: string): string {
    return `${name}{${this.labels}} ${this.#count}\n`
  }

  histogramText(name: string): string {
    let text = ''
    let upTo = 0
    for (const [index, bound] of BOUNDS.entries()) {
      upTo += this.#counts[index] as number
      text += `${name}_bucket{${this.labels},le="${bound}"} ${upTo}\n`
    }
    text += `${name}_bucket{${this.labels},le="+Inf"} ${this.#count}\n`
    return `${text}${name}_sum{${this.labels}} ${this.#sum}\n${name}_count{${this.labels}} ${this.#count}\n`
  }
}
