import type { NearCacheFigures } from './active-sessions.ts'
import type { SessionManager } from './contract.ts'

/** The manager, for whoever runs it. */
export interface RunningSessionManager extends SessionManager {
  /** `undefined` where there is no near cache. */
  readonly nearCache: NearCacheFigures | undefined
  /** Lets what is under way finish. */
  close(): Promise<void>
}
