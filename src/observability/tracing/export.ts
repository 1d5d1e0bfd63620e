import type { Resource } from '@opentelemetry/resources'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from '../../kernel/logger.ts'
import type { Secret } from '../../lib/secret.ts'
import { loadPackage, type OtelApi, type OtelSdk } from './packages.ts'

/** Where spans are sent to, and what they say of their source. */
export interface ExportOptions {
  readonly serviceName: string
  readonly deploymentEnvironment: string | undefined
  readonly target:
    | { readonly protocol: 'otlp'; readonly url: string; readonly authorization: Secret | undefined }
    | { readonly protocol: 'zipkin'; readonly url: string }
}

export interface Export {
  readonly api: OtelApi
  readonly sdk: OtelSdk
  readonly exporter: SpanExporter
  readonly resource: Resource
}

const CORE_PACKAGES = ['@opentelemetry/api', '@opentelemetry/sdk-trace', '@opentelemetry/resources']
const EXPORTERS = {
  otlp: '@opentelemetry/exporter-trace-otlp-http',
  zipkin: '@opentelemetry/exporter-zipkin',
} as const
/** A collector that is away is told of so often, and not with each batch. */
const TELL_MS = 60_000

/** @throws {Error} with a sentence that says what to install. */
export async function createExport(options: ExportOptions, version: string, logger: Logger): Promise<Export> {
  const { target, serviceName, deploymentEnvironment } = options
  const names = [...CORE_PACKAGES, EXPORTERS[target.protocol]]
  const [api, sdk, resources] = await Promise.all([
    loadPackage(() => import('@opentelemetry/api'), names),
    loadPackage(() => import('@opentelemetry/sdk-trace'), names),
    loadPackage(() => import('@opentelemetry/resources'), names),
  ])
  const exporter = await createExporter(target, names)
  const resource = resources.resourceFromAttributes({
    'service.name': serviceName,
    'service.version': version,
    ...(deploymentEnvironment !== undefined && { 'deployment.environment.name': deploymentEnvironment }),
  })
  return { api, sdk, exporter: telling(exporter, target.url, logger), resource }
}

async function createExporter(target: ExportOptions['target'], names: readonly string[]): Promise<SpanExporter> {
  if (target.protocol === 'zipkin') {
    const { ZipkinExporter } = await loadPackage(() => import('@opentelemetry/exporter-zipkin'), names)
    return new ZipkinExporter({ url: target.url })
  }
  const { OTLPTraceExporter } = await loadPackage(() => import('@opentelemetry/exporter-trace-otlp-http'), names)
  const authorization = target.authorization?.reveal()
  return new OTLPTraceExporter({ url: target.url, ...(authorization !== undefined && { headers: { authorization } }) })
}

/** Says in the log, now and then, that spans are lost. */
function telling(exporter: SpanExporter, url: string, logger: Logger): SpanExporter {
  let toldAt = Number.NEGATIVE_INFINITY
  const tell = (): void => {
    if (performance.now() - toldAt < TELL_MS) return
    toldAt = performance.now()
    logger.warn({ url: withoutSecrets(url) }, 'spans are lost: they could not be sent')
  }
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0) tell()
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}

function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
