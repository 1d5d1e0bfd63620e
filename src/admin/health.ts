import type { Reply } from '../kernel/reply.ts'
import { jsonReply } from './json-reply.ts'

/** What readiness depends on. */
export interface HealthSources {
  /** How many rules are in force that have no mistake. */
  readonly countRules: () => number
  /** Names of rule sources that were never good; without credentials. */
  readonly pendingSources: () => readonly string[]
  /** The session store; absent when there are no sessions. */
  readonly store: PingableStore | undefined
}

export interface PingableStore {
  readonly kind: string
  /** Rejects or throws when the back end cannot be asked. */
  ping(): void | Promise<void>
}

const OK = jsonReply(200, { status: 'ok' })

/** The process runs. */
export function alive(): Reply {
  return OK
}

/** Whether requests can be decided; if not, 503 says what is missing. */
export async function ready({ countRules, pendingSources, store }: HealthSources): Promise<Reply> {
  const details: Record<string, string> = {}
  const hasRules = countRules() > 0
  if (!hasRules) details['access_rules'] = 'no valid access rule is loaded'
  const pending = pendingSources()
  if (pending.length > 0) details['rule_sources'] = `not loaded yet: ${pending.join(', ')}`
  if (store !== undefined && !(await answers(store))) {
    details['session_store'] = `the session store (${store.kind}) cannot be used: the log says why`
  }
  return Object.keys(details).length === 0 ? OK : notReady(hasRules, details)
}

async function answers(store: PingableStore): Promise<boolean> {
  try {
    await store.ping()
    return true
  } catch {
    return false
  }
}

/** Without rules the document is Oathkeeper's, whose code is not that of the answer. */
function notReady(hasRules: boolean, details: Record<string, string>): Reply {
  const reason = Object.values(details).join('; ')
  return hasRules
    ? jsonReply(503, {
        error: { code: 503, status: 'Service Unavailable', reason, details, message: 'The service is not ready' },
      })
    : jsonReply(503, {
        error: {
          code: 500,
          status: 'Internal Server Error',
          reason,
          details,
          message: 'The requested resource could not be found',
        },
      })
}
