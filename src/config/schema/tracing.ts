import { z } from 'zod'
import { secret } from './scalars.ts'

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.%a-zA-Z]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):[0-9]*$/, 'must be host:port such as localhost:4318')

const uri = z.string().refine((text) => URL.canParse(text), 'must be a URL such as http://localhost:9411/api/v2/spans')

const ratio = z.number().optional().describe('Share of the requests that begins a trace, 0 to 1. Default: all. What a caller decided goes before.')

const jaegerSchema = z.strictObject({
  local_agent_address: address.optional().describe('Address of the Jaeger agent.'),
  sampling: z.strictObject({ server_url: uri.optional(), trace_id_ratio: ratio }).prefault({}),
})

const zipkinSchema = z.strictObject({
  server_url: uri.optional().describe('URL of the Zipkin server. Default: `http://localhost:9411/api/v2/spans`.'),
  sampling: z.strictObject({ sampling_ratio: ratio }).prefault({}),
})

const otlpSchema = z.strictObject({
  server_url: address.optional().describe('`host:port` of the OTLP collector (HTTP). Default: `localhost:4318`.'),
  insecure: z.boolean().default(false).describe('Plain http to the collector.'),
  sampling: z.strictObject({ sampling_ratio: ratio }).prefault({}),
  authorization_header: secret().optional().describe('`Authorization` header for the collector.'),
})

/** `tracing`, as Oathkeeper has it. */
export const tracingSchema = z
  .strictObject({
    provider: z.enum(['jaeger', 'otel', 'zipkin']).optional().describe('How spans are sent: `otel` (OTLP over HTTP) or `zipkin`; not set: not at all. `jaeger` is accepted and sends nothing.'),
    service_name: z.string().default('ORY Oathkeeper').describe('Name of the service in traces.'),
    deployment_environment: z.string().optional().describe('Name of the environment in traces.'),
    providers: z
      .strictObject({
        jaeger: jaegerSchema.prefault({}),
        zipkin: zipkinSchema.prefault({}),
        otlp: otlpSchema.prefault({}),
      })
      .prefault({}),
  })
  .transform(({ provider, service_name, deployment_environment, providers }) => ({
    provider,
    serviceName: service_name,
    deploymentEnvironment: deployment_environment,
    jaeger: {
      localAgentAddress: providers.jaeger.local_agent_address,
      samplingServerUrl: providers.jaeger.sampling.server_url,
      samplingRatio: providers.jaeger.sampling.trace_id_ratio,
    },
    zipkin: { serverUrl: providers.zipkin.server_url, samplingRatio: providers.zipkin.sampling.sampling_ratio },
    otlp: {
      serverUrl: providers.otlp.server_url,
      insecure: providers.otlp.insecure,
      samplingRatio: providers.otlp.sampling.sampling_ratio,
      authorizationHeader: providers.otlp.authorization_header,
    },
  }))

export type TracingConfig = z.output<typeof tracingSchema>
