import { GateError } from '../kernel/errors.ts'

/** How long a client waits before it asks again; a store that comes back is found within this time. */
const RETRY_AFTER_SECONDS = '1'

/** The store could not be asked. `detail` is for the operator's log: no secret, no key, no value. */
export function storeUnavailable(detail: string): GateError {
  return new GateError('ERR_SESSION_STORE_UNAVAILABLE', { detail, headers: [['Retry-After', RETRY_AFTER_SECONDS]] })
}
