import { z } from 'zod'
import { GateError } from '../../kernel/errors.ts'
import { bytesOf } from '../../lib/go-string.ts'
import { defineAuthorizer } from '../define.ts'
import { compileTemplate } from '../render.ts'
import { compileRemoteCheck, type RemoteDeps, remoteFields } from './remote-check.ts'

const schema = z.strictObject({
  ...remoteFields,
  payload: z.string().describe('Template of the JSON that is sent. Write values with `toJson`, which quotes them.'),
})

/** Asks a remote service with JSON from a template. */
export const remoteJson = defineAuthorizer({
  type: 'remote_json',
  schema,
  compile: (config, deps: RemoteDeps) => {
    const render = compileTemplate(deps.templates, config.payload, ['payload'])
    return compileRemoteCheck(config, deps, (exchange) => {
      const payload = render(exchange)
      checkJson(payload)
      return { contentType: 'application/json', body: bytesOf(payload) }
    })
  },
})

function checkJson(payload: string): void {
  try {
    JSON.parse(payload)
  } catch {
    // The cause would quote the payload, which may hold what nobody may read.
    throw new GateError('ERR_TEMPLATE_FAILED', { message: 'payload is not a JSON text' })
  }
}
