import { z } from 'zod'
import { isObjectLocation, parseObjectLocation } from '../../lib/objects/location.ts'
import { duration } from './scalars.ts'

const SCHEMES = ['file', 'inline', 'http', 'https', 's3', 'gs', 'azblob'] as const

const repository = z
  .string()
  .refine(
    (uri) => SCHEMES.some((scheme) => uri.toLowerCase().startsWith(`${scheme}://`)),
    `must be a URI such as file://rules.yaml, inline://… or https://… (schemes: ${SCHEMES.join(', ')})`,
  )
  .refine((uri) => !/^https?:/i.test(uri) || URL.canParse(uri), 'must be a URL such as https://rules.example/rules.yaml')
  .superRefine((uri, context) => {
    const message = isObjectLocation(uri) ? whyNoObject(uri) : undefined
    if (message !== undefined) context.addIssue(message)
  })
  .meta({ format: 'uri' })

/** `access_rules`: where the rules come from and how they match. */
export const accessRulesSchema = z
  .strictObject({
    repositories: z
      .array(repository)
      .default([])
      .describe('Sources of rules. A relative `file://` is resolved from the folder of the configuration file that names it.'),
    refresh_interval: z
      .union([z.literal('off'), duration({ min: '1s' })])
      .prefault('60s')
      .describe('How often rules from `http(s)://` and object stores are fetched again. `off`: once, as in Oathkeeper.'),
    matching_strategy: z
      .enum(['regexp', 'glob'])
      .default('regexp')
      .describe('What stands between `<` and `>` in the URL of a rule.'),
    trailing_slash: z
      .enum(['keep', 'strip'])
      .default('keep')
      .describe('`strip` drops a slash at the end of a path in matching and forwarding, as Oathkeeper v26 does.'),
    on_multiple: z
      .string()
      .refine((value) => value === 'error', 'must be error: first and most_specific are not supported yet')
      .default('error')
      .describe('What happens when several rules match: `error` answers 500.'),
  })
  .transform((wire) => ({
    repositories: wire.repositories,
    refreshIntervalMs: wire.refresh_interval === 'off' ? undefined : wire.refresh_interval,
    matchingStrategy: wire.matching_strategy,
    trailingSlash: wire.trailing_slash,
  }))

export type AccessRulesConfig = z.output<typeof accessRulesSchema>

function whyNoObject(uri: string): string | undefined {
  try {
    parseObjectLocation(uri)
    return undefined
  } catch (cause: unknown) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}
