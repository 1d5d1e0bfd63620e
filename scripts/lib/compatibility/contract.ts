/** `same`: Oathkeeper's; `safer`: another way that does what was meant; `unsupported`: not there. */
export type State = 'same' | 'safer' | 'unsupported'

/** What shows that a statement is true: a scenario with recorded answers of Oathkeeper, or a test of ours. */
export type Evidence = { readonly scenario: string } | { readonly test: string; readonly title: string }

/** Something about Oathkeeper that people notice, or should know. */
export interface Quirk {
  readonly oathkeeper: string
  readonly state: State
  /** What happens here, and why; needed unless it is the same. */
  readonly here?: string
  /** Nothing for what no test can show. */
  readonly shown?: Evidence
}

export interface Area {
  readonly title: string
  readonly quirks: readonly Quirk[]
}

/** A key of Oathkeeper's configuration that is not in all respects as there. */
export interface KeyNote {
  readonly state: State
  readonly here: string
}
