import type { Config } from '../config/config.ts'
import type { SigningKeys } from '../credentials/signing-keys.ts'
import type { Problem } from '../kernel/problem.ts'
import type { Rule } from '../kernel/rule.ts'
import { schemeOf } from '../lib/file-location.ts'

/** Where the keys are that `/.well-known/jwks.json` publishes: those of the configuration and of the rules in force. */
export function signingKeyLocations({ handlers }: Config, rules: readonly Rule[]): string[] {
  const global = locationOf(handlers.mutators['id_token']?.config)
  const locations = rules.flatMap(idTokenConfigs).map(locationOf)
  return [...new Set([global, ...locations].filter((location) => location !== undefined))]
}

/** What is wrong with the files on this machine that rules take signing keys from. */
export async function signingKeyProblems(
  keys: SigningKeys,
  { handlers }: Config,
  rules: readonly Rule[],
): Promise<Problem[]> {
  const settings = handlers.mutators['id_token']
  if (settings?.enabled !== true) return []
  const used = new Map<string, string>()
  for (const rule of rules) {
    for (const config of idTokenConfigs(rule)) {
      const location = locationOf(config) ?? locationOf(settings.config)
      if (location === undefined || !/^(file)?$/.test(schemeOf(location)) || used.has(location)) continue
      used.set(location, rule.id)
    }
  }
  const problems = await Promise.all(
    [...used].map(async ([location, ruleId]): Promise<Problem[]> => {
      const reason = await whyNothingIsSigned(keys, location)
      if (reason === undefined) return []
      return [{ path: 'mutators.id_token.config.jwks_url', ruleId, message: `nothing can be signed: ${reason}` }]
    }),
  )
  return problems.flat()
}

async function whyNothingIsSigned(keys: SigningKeys, location: string): Promise<string | undefined> {
  try {
    const { signingKey } = await keys.at(location).current()
    return typeof signingKey === 'string' ? `${signingKey} in ${location}` : undefined
  } catch (cause: unknown) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

type HandlerConfig = Rule['mutators'][number]['config']

function idTokenConfigs({ mutators }: Rule): HandlerConfig[] {
  return mutators.flatMap(({ handler, config }) => (handler === 'id_token' ? [config] : []))
}

function locationOf(config: HandlerConfig): string | undefined {
  const location = config?.['jwks_url']
  return typeof location === 'string' && location !== '' ? location : undefined
}
