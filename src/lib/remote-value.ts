export interface RemoteValueOptions<T> {
  /** Fetches the value; has its own deadline. */
  readonly load: () => Promise<T>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Beyond it a value is not used without a new try; from half of it on it is renewed behind the back of the caller. */
  readonly maxAgeMs: number
  /** The least time between two loads that `reload` begins. */
  readonly cooldownMs: number
  /** How long after a failed load no other begins. */
  readonly backoffMs: number
}

/** A value that lives elsewhere and changes rarely, such as a key set. */
export interface RemoteValue<T> {
  /**
   * The value: at once when a good one is here. Of many callers one loads. A failed load keeps the last good value,
   * however old; it rejects only while there never was one.
   */
  get(): T | Promise<T>
  /** The last good value, however old; nothing while there never was one. Loads nothing. */
  peek(): T | undefined
  /**
   * Asks for a value that is loaded from now on, because the one at hand lacks something. Whoever asks meanwhile shares that load;
   * then, within the cool-down, it gives what is at hand, so that hostile input cannot make this process a flood of requests.
   */
  reload(): Promise<T>
}

/** Creates the holder of one remote value. Nothing is loaded before it is asked for. */
export function createRemoteValue<T>(options: RemoteValueOptions<T>): RemoteValue<T> {
  const { load, now, maxAgeMs, cooldownMs, backoffMs } = options
  let good: { readonly value: T; readonly at: number; readonly sequence: number } | undefined
  let failure: { readonly cause: unknown; readonly at: number; readonly sequence: number } | undefined
  let flight: Promise<T> | undefined
  let started = 0
  let reloading: Promise<T> | undefined
  let reloadedAt = Number.NEGATIVE_INFINITY

  async function begin(): Promise<T> {
    const sequence = ++started
    try {
      const value = await load()
      // A slow old answer never overwrites a newer one.
      if (good === undefined || good.sequence < sequence) good = { value, at: now(), sequence }
      return good.value
    } catch (cause: unknown) {
      if (failure === undefined || failure.sequence < sequence) failure = { cause, at: now(), sequence }
      if (good !== undefined) return good.value
      throw cause
    }
  }

  function loadOnce(): Promise<T> {
    if (flight !== undefined) return flight
    return launch()
  }

  function launch(): Promise<T> {
    const mine = begin().finally(() => {
      if (flight === mine) flight = undefined
    })
    flight = mine
    return mine
  }

  /** The last load failed. */
  const isFailing = () => failure !== undefined && failure.sequence > (good?.sequence ?? 0)
  const isBackingOff = () => isFailing() && failure !== undefined && now() - failure.at < backoffMs

  function get(): T | Promise<T> {
    if (good === undefined) return isBackingOff() && flight === undefined ? Promise.reject(failure?.cause) : loadOnce()
    const age = now() - good.at
    if (age < maxAgeMs / 2) return good.value
    if (isBackingOff()) return good.value
    const loading = loadOnce()
    if (age >= maxAgeMs && !isFailing()) return loading
    // Nobody waits for this one; its failure is kept above.
    loading.catch(() => {})
    return good.value
  }

  function reload(): Promise<T> {
    // It began for the same want, and what is at hand was not enough for that.
    if (reloading !== undefined) return reloading
    if (now() - reloadedAt < cooldownMs || isBackingOff()) return Promise.resolve(get())
    reloadedAt = now()
    // Not `loadOnce`: what is under way may have been asked before the thing that is missing was there.
    const mine = launch().finally(() => (reloading = undefined))
    reloading = mine
    return mine
  }

  return { get, peek: () => good?.value, reload }
}
