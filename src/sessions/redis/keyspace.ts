import { hash } from 'node:crypto'

/** Hashes of what a record is found by, as its head has them. */
export interface IndexHashes {
  readonly subject: string
  readonly providerSession: string | undefined
}

/** The names of our keys in Redis. */
export class Keyspace {
  readonly #sessionPrefix: string
  readonly #statePrefix: string

  constructor(sessionPrefix: string, statePrefix: string) {
    this.#sessionPrefix = sessionPrefix
    this.#statePrefix = statePrefix
  }

  session(key: string): string {
    return this.#sessionPrefix + key
  }

  /** The key of the session whose record has this name; of another name, one that no session has. */
  sessionKeyOf(name: string): string {
    return name.slice(this.#sessionPrefix.length)
  }

  /** Everything that one step on a session touches: its record, and the indexes that it is filed in. */
  ofStep(key: string, index: IndexHashes | undefined): string[] {
    const names = [this.session(key)]
    if (index !== undefined) names.push(this.subject(index.subject))
    if (index?.providerSession !== undefined) names.push(this.providerSession(index.providerSession))
    return names
  }

  subject(subjectHash: string): string {
    return `${this.#sessionPrefix}subject:${subjectHash}`
  }

  providerSession(providerSessionHash: string): string {
    return `${this.#sessionPrefix}sid:${providerSessionHash}`
  }

  lease(name: string): string {
    return `${this.#sessionPrefix}lease:${name}`
  }

  state(key: string): string {
    return this.#statePrefix + key
  }
}

export function hashOf(text: string): string {
  return hash('sha256', text, 'base64url')
}
