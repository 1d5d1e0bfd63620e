import { isBoundedPattern } from '../lib/origin-pattern.ts'
import type { KeyProblem } from './issues.ts'
import type { CorsConfig } from './schema/cors.ts'
import type { ServeConfig } from './schema/serve.ts'

/** What works in `serve.<listener>.cors` and is probably not meant. */
export function corsWarnings({ proxy, api }: ServeConfig): KeyProblem[] {
  return [...warningsOf('proxy', proxy.cors), ...warningsOf('api', api.cors)]
}

function warningsOf(listener: string, { enabled, allowedOrigins, allowCredentials }: CorsConfig): KeyProblem[] {
  if (!enabled) return []
  const path = ['serve', listener, 'cors']
  const warnings: KeyProblem[] = allowedOrigins.flatMap((origin, index) =>
    origin === '*' || !origin.includes('*') || isBoundedPattern(origin)
      ? []
      : [
          {
            path: [...path, 'allowed_origins', index],
            message: `has no effect: the part with the * must be followed by a domain that one owner can register, as in https://*.example.com`,
          },
        ],
  )
  if (allowCredentials && (allowedOrigins.length === 0 || allowedOrigins.includes('*'))) {
    warnings.push({
      path: [...path, 'allow_credentials'],
      message:
        'lets every page of every site act with the cookies of its visitors: name the origins in allowed_origins',
    })
  }
  return warnings
}
