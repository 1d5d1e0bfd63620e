import { collectDefaultMetrics, Registry } from 'prom-client'

const PRECISION_MS = 20

let registry: Registry | undefined

/** Metrics of the process and of Node itself, under their usual names; one set however many ask. */
export function processMetrics(): Registry {
  if (registry !== undefined) return registry
  registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: PRECISION_MS })
  return registry
}
