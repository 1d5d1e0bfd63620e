import { Gauge, type Registry } from 'prom-client'
import { addSessionsMetrics, type SessionsState } from './sessions-metrics.ts'

/** What is asked at each scrape. */
export interface ProductState {
  /** How many rules are in force. */
  readonly countRules: () => number
  /** How many rules have a mistake: what they match is answered 500. */
  readonly countMistakes: () => number
  readonly sources: () => readonly SourceState[]
  /** Why the changed configuration was refused; false while the newest one is in force. */
  readonly isConfigRefused: () => boolean
  readonly sessions: SessionsState
}

interface SourceState {
  /** Without credentials. */
  readonly name: string
  readonly loaded: boolean
  readonly problems: readonly unknown[]
}

/** Adds the gauges of the product's state. */
export function addStateMetrics(registry: Registry, prefix: string, version: string, state: ProductState): void {
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    collect: (gauge: Gauge<Label>) => void | Promise<void>,
  ): Gauge<Label> =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        return collect(this)
      },
    })
  gauge('build_info', 'What runs: always 1.', ['version', 'node_version'], (build) =>
    build.set({ version, node_version: process.version }, 1),
  )
  gauge('rules', 'Access rules in force.', [], (rules) => rules.set(state.countRules()))
  gauge('rules_with_mistakes', 'Access rules with a mistake: what they match is answered 500.', [], (rules) =>
    rules.set(state.countMistakes()),
  )
  gauge('rule_source_loaded', 'Whether the source was good once, so that its rules are in force.', ['source'], (one) =>
    setAll(one, state.sources(), ({ loaded }) => loaded),
  )
  gauge('rule_source_failing', 'Whether what the source holds now cannot be taken.', ['source'], (one) =>
    setAll(one, state.sources(), ({ problems }) => problems.length > 0),
  )
  gauge(
    'config_refused',
    'Whether the configuration on disk was refused, so that an older one is in force.',
    [],
    (one) => one.set(Number(state.isConfigRefused())),
  )
  addSessionsMetrics(registry, prefix, state.sessions)
}

function setAll(
  gauge: Gauge<'source'>,
  sources: readonly SourceState[],
  holds: (source: SourceState) => boolean,
): void {
  gauge.reset()
  for (const source of sources) gauge.set({ source: source.name }, Number(holds(source)))
}
