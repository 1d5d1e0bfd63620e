/** An answer of ours, complete: what an error handler or a page gives to a front to write. */
export interface Reply {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}
