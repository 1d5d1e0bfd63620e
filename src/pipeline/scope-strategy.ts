import { z } from 'zod'
import { byteLength } from '../lib/go-string.ts'

/** How a granted scope covers a required one. */
export const scopeStrategySchema = z
  .enum(['hierarchic', 'exact', 'wildcard', 'none'])
  .default('none')
  .describe('How granted scopes cover required ones.')

export type ScopeStrategy = z.output<typeof scopeStrategySchema>

/** Whether one of the granted scopes covers the required one. */
export type CoversScope = (granted: readonly string[], required: string) => boolean

/** The comparison of a strategy; nothing for `none`. */
export function scopeComparison(strategy: ScopeStrategy): CoversScope | undefined {
  if (strategy === 'none') return undefined
  const covers = { exact: isSame, hierarchic: isParent, wildcard: isMatch }[strategy]
  return (granted, required) => granted.some((scope) => covers(scope, required))
}

function isSame(scope: string, required: string): boolean {
  return scope === required
}

/** `users` covers `users.read`. */
function isParent(scope: string, required: string): boolean {
  if (scope === required) return true
  if (byteLength(scope) > byteLength(required)) return false
  const parts = scope.split('.')
  const wanted = required.split('.')
  return parts.length < wanted.length && parts.every((part, index) => part === wanted[index])
}

/** `users.*` covers `users.read.own`: a star is one part that is not empty, at the end one or more. */
function isMatch(scope: string, required: string): boolean {
  const parts = scope.split('.')
  const wanted = required.split('.')
  if (parts.length > wanted.length) return false
  if (parts.length < wanted.length && parts.at(-1) !== '*') return false
  return parts.every((part, index) => part === wanted[index] || (part === '*' && wanted[index] !== ''))
}
