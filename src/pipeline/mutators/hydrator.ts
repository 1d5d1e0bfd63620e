import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Exchange } from '../../kernel/exchange.ts'
import type { Outbound } from '../../lib/outbound.ts'
import { Secret } from '../../lib/secret.ts'
import { defineMutator } from '../define.ts'
import type { SessionReader } from '../deps.ts'
import { basicAuthorization } from '../endpoint.ts'
import { duration, retry, uri } from '../fields.ts'
import { compileHeaderFilter } from '../owned-headers.ts'
import { compileServiceUrl } from '../service-url.ts'
import { checkSize } from '../set-header.ts'
import { createAnswerCache } from './hydrator/answer-cache.ts'
import { askHydrator, type HydratorAnswer, hydratorQuestion, type HydratorService } from './hydrator/ask-hydrator.ts'

const basic = z.strictObject({
  username: z.string().describe('Name for Basic authentication at the hydrator.'),
  password: z
    .string()
    .meta({ writeOnly: true })
    .transform((text) => new Secret(text))
    .describe('Password for it.'),
})

const schema = z.strictObject({
  api: z.strictObject({
    url: uri().describe('The service that is given the session as JSON and answers with a changed one.'),
    auth: z.strictObject({ basic: basic.optional() }).optional(),
    retry: retry(),
  }),
  cache: z
    .strictObject({
      enabled: z.boolean().default(false).describe('Keeps answers for requests that are equal in everything.'),
      ttl: duration().prefault('1m').describe('How long an answer is kept. `0s`: a minute.'),
    })
    .prefault({}),
})

interface Deps {
  readonly outbound: Pick<Outbound, 'call'>
  readonly sessions: SessionReader | undefined
  readonly clock: Clock
}

const DEFAULT_TTL_MS = 60_000

/** Lets a service change the session: what templates see, and headers for the upstream. The subject stays who it is. */
export const hydrator = defineMutator({
  type: 'hydrator',
  schema,
  compile: ({ api, cache }, { outbound, sessions, clock }: Deps) => {
    const service: HydratorService = {
      url: compileServiceUrl(api.url, ['api', 'url']),
      authorization: api.auth && basicOf(api.auth.basic),
      retry: api.retry,
    }
    const answers = cache.enabled ? createAnswerCache(cache.ttl || DEFAULT_TTL_MS, clock) : undefined
    return {
      ownedHeaders: [],
      needsClientHeaders: true,
      run: (exchange) => {
        const question = hydratorQuestion(exchange, service, sessions)
        const ask = (): Promise<HydratorAnswer> => askHydrator(outbound, service, question)
        const answer = answers === undefined ? ask() : answers.get([question.query, question.body], ask)
        if (!(answer instanceof Promise)) return hydrate(exchange, answer)
        return answer.then((late) => hydrate(exchange, late))
      },
    }
  },
})

function basicOf({ username, password } = NO_CREDENTIALS): string {
  return basicAuthorization(username, password.reveal())
}

const NO_CREDENTIALS = { username: '', password: new Secret('') }

/** Puts the answer in the place of the session, whole as Oathkeeper does. Answers may be shared: they are not changed. */
function hydrate(exchange: Exchange, { session }: HydratorAnswer): void {
  const { extra, headers, matchContext } = session
  const names = [...headers.keys()]
  // What the client sent under the names that go to the upstream now must not reach it in another spelling.
  compileHeaderFilter(names)?.(exchange.request.headers)
  const seen = matchContext.headers?.clone()
  if (seen !== undefined) exchange.removeOwnedHeaders?.(seen)
  exchange.extra = extra
  exchange.headers = new Map(headers)
  exchange.matchContext = { ...matchContext, headers: seen }
  exchange.mirrorsHeaders = false
  for (const [name, [value = '']] of headers) checkSize(exchange, name, value)
}
