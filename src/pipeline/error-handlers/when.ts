import { z } from 'zod'
import type { GateError } from '../../kernel/errors.ts'
import { type Failure, HandlerConfigError } from '../../kernel/handlers.ts'
import type { HeaderList } from '../../kernel/headers.ts'
import { type CidrSet, compileCidrs } from '../../lib/cidr.ts'
import { readAccept } from '../../lib/accept.ts'

const networks = z.array(z.string())

/** Conditions under which an error handler answers: one entry is enough, and all that an entry says must hold. */
export const whenSchema = z
  .array(
    z.strictObject({
      error: z
        .array(z.enum(['unauthorized', 'forbidden', 'internal_server_error', 'not_found']))
        .optional()
        .describe('Kinds of errors.'),
      request: z
        .strictObject({
          cidr: networks.optional().describe('Networks of the client, as a trusted proxy names it.'),
          remote_ip: z
            .strictObject({
              match: networks.describe('Networks of the peer.'),
              respect_forwarded_for_header: z
                .boolean()
                .default(false)
                .describe('Looks at the client that a trusted proxy names in X-Forwarded-For too.'),
            })
            .optional(),
          header: z
            .strictObject({
              accept: z.array(z.string()).optional().describe('Media types, one of which the client must name.'),
              content_type: z.array(z.string()).optional().describe('Media types of the request body.'),
            })
            .optional(),
        })
        .optional(),
    }),
  )
  .optional()

export type When = z.output<typeof whenSchema>
type Entry = NonNullable<When>[number]
type Condition = (failure: Failure) => boolean

/** What a request without the header counts as. */
const MISSING_TYPE = 'application/octet-stream'

/**
 * Compiles `when`. No entry matches everything.
 * @throws {HandlerConfigError} for a network that is none.
 */
export function compileWhen(when: When): Condition {
  if (when === undefined || when.length === 0) return () => true
  const entries = when.map(compileEntry)
  return (failure) => entries.some((conditions) => conditions.every((holds) => holds(failure)))
}

function compileEntry(entry: Entry, index: number): Condition[] {
  const { error, request } = entry
  const conditions: Condition[] = []
  if (error !== undefined && error.length > 0) {
    const kinds = new Set<string>(error)
    conditions.push((failure) => kinds.has(errorKind(failure.error)))
  }
  const cidr = compileNetworks(request?.cidr, ['when', index, 'request', 'cidr'])
  if (cidr !== undefined) conditions.push(({ exchange }) => cidr.has(exchange.request.clientAddress))
  const remote = request?.remote_ip
  const peers = compileNetworks(remote?.match, ['when', index, 'request', 'remote_ip', 'match'])
  if (peers !== undefined) {
    const looksFurther = remote?.respect_forwarded_for_header === true
    conditions.push(({ exchange }) => {
      const { peerAddress, clientAddress } = exchange.request
      return peers.has(peerAddress) || (looksFurther && peers.has(clientAddress))
    })
  }
  const accept = request?.header?.accept
  if (accept !== undefined && accept.length > 0) {
    conditions.push(({ exchange }) => readTypes(exchange.request.headers).some((type) => isListed(type, accept)))
  }
  const contentType = request?.header?.content_type
  if (contentType !== undefined && contentType.length > 0) {
    conditions.push(({ exchange }) => isListed(readContentType(exchange.request.headers), contentType))
  }
  return conditions
}

function compileNetworks(list: readonly string[] | undefined, path: (string | number)[]): CidrSet | undefined {
  if (list === undefined || list.length === 0) return undefined
  for (const [index, network] of list.entries()) {
    try {
      compileCidrs([network])
    } catch (cause: unknown) {
      throw new HandlerConfigError([...path, index], cause instanceof Error ? cause.message : String(cause))
    }
  }
  return compileCidrs(list)
}

/** The name of an error in `when`: its status as text. What Oathkeeper gives no name matches nothing. */
function errorKind(error: GateError): string {
  switch (error.status) {
    case 401:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 404:
      return 'not_found'
    case 429:
    case 500:
      return 'internal_server_error'
    default:
      return ''
  }
}

function readTypes(headers: HeaderList): readonly string[] {
  return headers.get('accept') ? readAccept(headers.getAll('accept')).map(({ type }) => type) : [MISSING_TYPE]
}

function readContentType(headers: HeaderList): string {
  const value = headers.get('content-type')
  if (value === undefined || value === '') return MISSING_TYPE
  const semicolon = value.indexOf(';')
  return (semicolon === -1 ? value : value.slice(0, semicolon)).trim().toLowerCase()
}

/** A wildcard of the list covers a concrete type; a wildcard of the client is only its identical twin's match. */
function isListed(type: string, list: readonly string[]): boolean {
  return list.some((listed) => {
    if (listed === '*/*' || listed === type) return true
    return listed.endsWith('/*') && type.startsWith(listed.slice(0, -1))
  })
}
