import type { Decision } from '../../kernel/gate.ts'
import { headText, labelText } from './exposition.ts'

/** Counts decisions by what came of them. */
export interface DecisionMetrics {
  record(decision: Decision): void
  text(): string
}

interface Tally {
  granted: number
  /** By code of the catalogue. */
  readonly refused: Map<string, number>
}

export function createDecisionMetrics(prefix: string): DecisionMetrics {
  const name = `${prefix}decisions_total`
  const tallies: Readonly<Record<'proxy' | 'decision', Tally>> = {
    proxy: { granted: 0, refused: new Map() },
    decision: { granted: 0, refused: new Map() },
  }
  return {
    record(decision) {
      const tally = tallies[decision.exchange.request.front]
      if (decision.granted) tally.granted++
      else tally.refused.set(decision.error.code, (tally.refused.get(decision.error.code) ?? 0) + 1)
    },
    text() {
      let text = headText(name, 'counter', 'Requests that were decided about: granted, or the code of the error.')
      for (const [front, { granted, refused }] of Object.entries(tallies)) {
        for (const [outcome, count] of [['granted', granted] as const, ...refused]) {
          text += `${name}{${labelText({ front, outcome })}} ${count}\n`
        }
      }
      return text
    },
  }
}
