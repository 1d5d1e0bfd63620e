import type { TestContext } from 'node:test'
import type { Outbound } from '../../src/lib/outbound.ts'
import { startStub, type StubAnswer, type StubService, testOutbound } from './stub-service.ts'

/** A service that handlers ask, with the caller that asks it. Both end with the test. */
export interface Service extends StubService {
  readonly outbound: Outbound
}

/** Starts a service with an impatient caller. */
export async function startService(t: TestContext, answer: StubAnswer = reply(200)): Promise<Service> {
  const outbound = testOutbound(t, 1000)
  return Object.assign(await startStub(t, answer), { outbound })
}

/** Answers with a status, headers and a body; what is no text is sent as JSON. */
export function reply(status: number, headers: Record<string, string> = {}, body: unknown = ''): StubAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return (_call, response) => void response.writeHead(status, headers).end(text)
}
