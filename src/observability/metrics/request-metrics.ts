import { METHODS } from 'node:http'
import { headText, labelText } from './exposition.ts'
import { Series } from './series.ts'

/** `serve.prometheus`, as far as the label `request` is concerned. */
export interface RequestMetricsOptions {
  readonly metricNamePrefix: string
  readonly hideRequestPaths: boolean
  readonly collapseRequestPaths: boolean
}

/** Counts a request of one listener that is over. Costs a fraction of a microsecond. */
export type RecordRequest = (method: string, target: string, status: number, seconds: number) => void

/** Oathkeeper's two metrics of requests. */
export interface RequestMetrics {
  /** @param service `oathkeeper-proxy` or `oathkeeper-api` */
  recorder(service: string): RecordRequest
  text(): string
}

/** What is beyond the limits below is counted under this name: labels that come from clients must not fill memory. */
const OTHER = 'other'
const MAX_SERIES = 2_000
/** Paths that something answered; and those that were not found, which anybody can invent. */
const MAX_PATHS = 1_000
const MAX_UNKNOWN_PATHS = 100
const MAX_PATH_CHARS = 200

const NOT_COUNTED = new Set(['/health/alive', '/health/ready'])
const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map(METHODS.map((method, index) => [method, index + 1]))
const SLASH = 0x2f
const QUESTION = 0x3f

export function createRequestMetrics(options: RequestMetricsOptions): RequestMetrics {
  const services: Service[] = []
  const total = `${options.metricNamePrefix}requests_total`
  const duration = `${options.metricNamePrefix}requests_duration_seconds`
  return {
    recorder(service) {
      const made = new Service(service, options)
      services.push(made)
      return (method, target, status, seconds) => made.record(method, target, status, seconds)
    },
    text() {
      const series = services.flatMap((service) => service.series)
      return (
        headText(total, 'counter', 'Total number of requests') +
        series.map((one) => one.counterText(total)).join('') +
        headText(duration, 'histogram', 'Time spent serving requests.') +
        series.map((one) => one.histogramText(duration)).join('')
      )
    },
  }
}

class Service {
  readonly series: Series[] = []
  readonly #name: string
  readonly #options: RequestMetricsOptions
  /** By label `request`; each by method and status. */
  readonly #paths = new Map<string, Map<number, Series>>()
  #unknownPaths = 0
  #overflow: Series | undefined

  constructor(name: string, options: RequestMetricsOptions) {
    this.#name = name
    this.#options = options
  }

  record(method: string, target: string, status: number, seconds: number): void {
    const label = this.#labelOf(target)
    if (label === undefined) return
    const path = this.#paths.get(label) ?? this.#addPath(label, status)
    const number = METHOD_NUMBERS.get(method) ?? 0
    const key = number * 1_000 + status
    const series = path.get(key) ?? this.#addSeries(path, key, label, number === 0 ? OTHER : method, status)
    series.observe(seconds)
  }

  /** The label `request`; nothing for what is not counted. */
  #labelOf(target: string): string | undefined {
    const { hideRequestPaths, collapseRequestPaths } = this.#options
    const path = target.charCodeAt(0) === SLASH ? target : originForm(target)
    const end = endOf(path, collapseRequestPaths && !hideRequestPaths)
    if (path.startsWith('/health/') && NOT_COUNTED.has(path.slice(0, endOf(path, false)))) return undefined
    if (hideRequestPaths) return ''
    return path.slice(0, Math.min(end, MAX_PATH_CHARS))
  }

  #addPath(label: string, status: number): Map<number, Series> {
    const isUnknown = status === 404 || status === 400
    const isFull = isUnknown ? this.#unknownPaths >= MAX_UNKNOWN_PATHS : this.#knownPaths >= MAX_PATHS
    const name = isFull ? OTHER : label
    const found = this.#paths.get(name)
    if (found !== undefined) return found
    if (isUnknown && !isFull) this.#unknownPaths++
    const made = new Map<number, Series>()
    this.#paths.set(name, made)
    return made
  }

  get #knownPaths(): number {
    return this.#paths.size - this.#unknownPaths
  }

  #addSeries(path: Map<number, Series>, key: number, label: string, method: string, status: number): Series {
    if (this.series.length >= MAX_SERIES) {
      this.#overflow ??= this.#create(OTHER, OTHER, OTHER)
      return this.#overflow
    }
    const request = this.#paths.get(label) === path ? label : OTHER
    const made = this.#create(method, request, String(status))
    path.set(key, made)
    return made
  }

  #create(method: string, request: string, status: string): Series {
    const made = new Series(labelText({ method, request, service: this.#name, status_code: status }))
    this.series.push(made)
    return made
  }
}

/** Where the label ends: at the query, or where it is collapsed at the second slash. */
function endOf(path: string, isCollapsed: boolean): number {
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code === QUESTION || (isCollapsed && code === SLASH)) return i
  }
  return path.length
}

function originForm(target: string): string {
  const path = target.replace(/^[a-z]+:\/\/[^/?#]*/i, '')
  return path.startsWith('/') ? path : `/${path}`
}
