import { z } from 'zod'

/** A name as `net.LookupHost` of Go takes it; an address would need no look-up. */
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9.])?$/

const environmentSchema = z
  .strictObject({
    variables: z
      .array(z.string().regex(/^(\*|[A-Za-z_][A-Za-z0-9_]*)$/, 'must be the name of an environment variable, or `*` for all'))
      .default([])
      .describe('Names of the environment variables that `env` and `expandenv` may read; `*`: all, with every secret among them. Others are empty texts.'),
    hosts: z
      .array(z.string().regex(HOST_NAME, 'must be the name of a host'))
      .default([])
      .describe('Hosts that `getHostByName` may look up. They are looked up at start and every 30 seconds, never by a request.'),
  })
  .transform(({ variables, hosts }) => ({ variables, hosts }))

/** What templates of rules may reach. */
export const templatesSchema = z.strictObject({
  environment: environmentSchema
    .prefault({})
    .describe('What the template functions `env`, `expandenv` and `getHostByName` may reach. Without it they fail.'),
})

export type TemplatesConfig = z.output<typeof templatesSchema>
