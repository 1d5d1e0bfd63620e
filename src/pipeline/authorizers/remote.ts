import { z } from 'zod'
import { defineAuthorizer } from '../define.ts'
import { compileRemoteCheck, type RemoteDeps, remoteFields } from './remote-check.ts'

/** More of a body is not copied; the request is refused, because the authorizer would decide about a part of it. */
const MAX_BODY_BYTES = 10 * 1024 * 1024

/** Asks a remote service with a copy of the request's body. */
export const remote = defineAuthorizer({
  type: 'remote',
  schema: z.strictObject(remoteFields),
  compile: (config, deps: RemoteDeps) =>
    compileRemoteCheck(config, deps, async ({ request }) => ({
      contentType: request.headers.get('content-type') ?? '',
      body: await request.readBody(MAX_BODY_BYTES),
    })),
})
