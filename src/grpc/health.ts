import { numberField, ProtobufError, readFields } from '../lib/protobuf.ts'
import type { UnaryMethod } from './method.ts'
import { GrpcCode, GrpcError } from './status.ts'

export interface HealthOptions {
  /** Services that are asked about by name, besides the server as a whole. */
  readonly services: readonly string[]
  readonly isReady: () => boolean | Promise<boolean>
}

const SERVICE_FIELD = 1
const STATUS_FIELD = 1
const SERVING = numberField(STATUS_FIELD, 1)
const NOT_SERVING = numberField(STATUS_FIELD, 2)

/** `Check` of the health protocol (grpc.health.v1): for the probes of gateways and Kubernetes. */
export function createHealthCheck({ services, isReady }: HealthOptions): UnaryMethod {
  return {
    path: '/grpc.health.v1.Health/Check',
    answer(message) {
      const service = readService(message)
      if (service !== '' && !services.includes(service)) throw new GrpcError(GrpcCode.NotFound, 'unknown service')
      const ready = isReady()
      return ready instanceof Promise ? ready.then(toStatus) : toStatus(ready)
    },
  }
}

function toStatus(ready: boolean): Buffer {
  return ready ? SERVING : NOT_SERVING
}

function readService(message: Buffer): string {
  let service = ''
  try {
    readFields(message, (field, value) => {
      if (field === SERVICE_FIELD) service = value.toString()
    })
  } catch (cause: unknown) {
    if (!(cause instanceof ProtobufError)) throw cause
    throw new GrpcError(GrpcCode.InvalidArgument, 'the message is malformed')
  }
  return service
}
