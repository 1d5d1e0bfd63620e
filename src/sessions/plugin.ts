import { pathToFileURL } from 'node:url'
import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { MaybePromise, SessionStore } from './contract.ts'
import { MemoryNotes } from './memory/notes.ts'
import { storeUnavailable } from './store-error.ts'

/** What a store of somebody else's is given besides its own options. */
export interface StorePluginDeps {
  /** Time as the product sees it: ends are compared with this and not with `Date.now()`. */
  readonly clock: Clock
  readonly logger: Logger
}

/** What a module exports as `createSessionStore`. */
export type CreateStorePlugin = (
  options: Readonly<Record<string, unknown>>,
  deps: StorePluginDeps,
) => MaybePromise<SessionStore>

/** Every operation that a store must have; each may answer at once or by a promise. */
const REQUIRED = [
  'ping',
  'getSession',
  'createSession',
  'updateSession',
  'deleteSession',
  'findSessions',
  'putState',
  'takeState',
  'acquireLease',
  'releaseLease',
] as const satisfies readonly (keyof SessionStore)[]

/** Operations that a module may leave out. Notes are then kept in this process. */
const OPTIONAL = [
  'renewLease',
  'markEnd',
  'putNote',
  'getNote',
  'countSessions',
  'breaker',
] as const satisfies readonly (keyof SessionStore)[]

type Notes = Pick<SessionStore, 'putNote' | 'getNote'>

/** A module's store that does not answer within this time counts as one that cannot be asked. */
const DEADLINE_MS = 5_000

/**
 * Loads a store from a module.
 * @throws {Error} with a sentence that names the module and what it lacks.
 */
export async function loadPluginStore(
  path: string,
  options: Readonly<Record<string, unknown>>,
  deps: StorePluginDeps,
): Promise<SessionStore> {
  const createStore = await importFactory(path)
  let store: SessionStore
  try {
    store = await createStore(options, deps)
  } catch (cause) {
    throw new Error(`the session store ${path} could not be created: ${messageOf(cause)}`, { cause })
  }
  const missing = ['kind', 'start', 'close', ...REQUIRED].filter((name) => !hasMember(store, name))
  if (missing.length > 0) throw new Error(`the session store ${path} lacks ${missing.join(', ')}`)
  return guard(store, deps.clock)
}

async function importFactory(path: string): Promise<CreateStorePlugin> {
  let module: Readonly<Record<string, unknown>>
  try {
    module = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw new Error(`the module ${path} could not be loaded: ${messageOf(cause)}`, { cause })
  }
  const factory = module['createSessionStore']
  if (typeof factory !== 'function') {
    throw new Error(`the module ${path} exports no function createSessionStore(options, deps)`)
  }
  return factory as CreateStorePlugin
}

function hasMember(store: unknown, name: string): boolean {
  if (typeof store !== 'object' || store === null) return false
  const member = (store as Readonly<Record<string, unknown>>)[name]
  return name === 'kind' ? typeof member === 'string' : typeof member === 'function'
}

/**
 * Holds a store to the contract where others depend on it: whatever it throws means "could not ask", never "not there", and
 * no call waits for ever.
 */
function guard(store: SessionStore, clock: Clock): SessionStore {
  const guarded: Record<string, unknown> = { kind: store.kind, start: () => store.start(), close: () => store.close() }
  if (store.onChange !== undefined) guarded['onChange'] = store.onChange.bind(store)
  if (store.onEnd !== undefined) guarded['onEnd'] = store.onEnd.bind(store)
  for (const name of [...REQUIRED, ...OPTIONAL.filter((optional) => hasMember(store, optional))]) {
    const operation = store[name]?.bind(store) as (...args: unknown[]) => unknown
    guarded[name] = (...args: unknown[]) => {
      try {
        const answer = operation(...args)
        return isThenable(answer) ? inTime(answer, store.kind) : answer
      } catch (cause) {
        throw toUnavailable(cause, store.kind)
      }
    }
  }
  if (hasMember(store, 'putNote') && hasMember(store, 'getNote')) return guarded as unknown as SessionStore
  const notes = new MemoryNotes(clock)
  const notesHere: Notes = {
    putNote: (...args) => notes.putNote(...args),
    getNote: (name) => notes.getNote(name),
  }
  return { ...(guarded as unknown as SessionStore), ...notesHere }
}

async function inTime(answer: PromiseLike<unknown>, kind: string): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS)
  })
  try {
    return await Promise.race([answer, late])
  } catch (cause) {
    throw toUnavailable(cause, kind)
  } finally {
    clearTimeout(timer)
  }
}

function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'
}

function toUnavailable(cause: unknown, kind: string): GateError {
  return cause instanceof GateError ? cause : storeUnavailable(`${kind}: ${messageOf(cause)}`)
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
