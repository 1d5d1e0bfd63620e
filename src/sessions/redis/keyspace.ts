import { hash } from 'node:crypto'
import { SLOT_TAGS, tagOf } from './slots.ts'

/** Hashes of what a record is found by, as its head has them. */
export interface IndexHashes {
  readonly subject: string
  readonly providerSession: string | undefined
}

/** Instead of a subject's hash, which is longer: those of everybody. */
const ALL = 'all'

export interface KeyspaceOptions {
  readonly sessionPrefix: string
  readonly statePrefix: string
  /**
   * Whether the names are for a cluster, where one step may only touch keys of one slot: the name of a record then has a tag,
   * and each tag has indexes of its own.
   */
  readonly isCluster: boolean
}

/** The names of our keys in Redis. */
export class Keyspace {
  readonly #options: KeyspaceOptions
  readonly #tags: readonly string[]

  constructor(options: KeyspaceOptions) {
    this.#options = options
    this.#tags = options.isCluster ? SLOT_TAGS.map((tag) => `{${tag}}`) : ['']
  }

  session(key: string): string {
    return this.#options.sessionPrefix + this.#tagOf(key) + key
  }

  /** The key of the session whose record has this name; of another name, one that no session has. */
  sessionKeyOf(name: string): string {
    const tagged = name.slice(this.#options.sessionPrefix.length)
    return this.#options.isCluster ? tagged.slice(tagged.indexOf('}') + 1) : tagged
  }

  /** Everything that one step on a session touches: its record, and the indexes that it is filed in. */
  ofStep(key: string, index: IndexHashes | undefined): [record: string, ...indexes: string[]] {
    const tag = this.#tagOf(key)
    const names: [string, ...string[]] = [this.session(key), this.#index(tag, 'subject', ALL)]
    if (index !== undefined) names.push(this.#index(tag, 'subject', index.subject))
    if (index?.providerSession !== undefined) names.push(this.#index(tag, 'sid', index.providerSession))
    return names
  }

  /** All indexes in which records of a subject, or of a provider's session, are filed. */
  indexes(kind: 'subject' | 'sid', valueHash: string): string[] {
    return this.#tags.map((tag) => this.#index(tag, kind, valueHash))
  }

  /** All indexes in which all records are filed. */
  indexesOfAll(): string[] {
    return this.indexes('subject', ALL)
  }

  /** All in which what is looked for is filed, by the provider's session if that is known; none when nothing is. */
  indexesOf(subjectHash: string | undefined, providerSession: string | undefined): readonly string[] {
    if (providerSession !== undefined) return this.indexes('sid', hashOf(providerSession))
    return subjectHash === undefined ? [] : this.indexes('subject', subjectHash)
  }

  /** Where instances tell each other of sessions that are over and leave nothing behind. */
  get channel(): string {
    return channelOf(this.#options.sessionPrefix)
  }

  lease(name: string): string {
    return `${this.#options.sessionPrefix}lease:${name}`
  }

  note(name: string): string {
    return `${this.#options.sessionPrefix}note:${name}`
  }

  state(key: string): string {
    return this.#options.statePrefix + key
  }

  #index(tag: string, kind: 'subject' | 'sid', valueHash: string): string {
    return `${this.#options.sessionPrefix}${tag}${kind}:${valueHash}`
  }

  #tagOf(key: string): string {
    return this.#options.isCluster ? `{${tagOf(key)}}` : ''
  }
}

export function channelOf(sessionPrefix: string): string {
  return `${sessionPrefix}ended`
}

export function hashOf(text: string): string {
  return hash('sha256', text, 'base64url')
}
