/** Makes one call of many equal ones that are under way at the same time. */
export interface SingleFlight<Result> {
  /**
   * Gives the outcome of the call under way for the key, else begins one.
   * @param key holds everything that the outcome depends on, as `JSON.stringify` of a list: parts that are only joined
   * can be equal although they differ.
   */
  run(key: string, begin: () => Promise<Result>): Promise<Result>
  /** Calls under way. */
  readonly size: number
}

/** Creates a single flight. Its outcomes are shared: nobody may change one. */
export function createSingleFlight<Result>(): SingleFlight<Result> {
  const flights = new Map<string, Promise<Result>>()
  return {
    run(key, begin) {
      const known = flights.get(key)
      if (known !== undefined) return known
      const flight = begin().finally(() => flights.delete(key))
      flights.set(key, flight)
      return flight
    },
    get size() {
      return flights.size
    },
  }
}
