import { isPlainObject, type PlainObject } from '../lib/deep-merge.ts'
import { nearest } from '../lib/did-you-mean.ts'
import { type KeyPath } from '../lib/document.ts'
import type { RuleShapeProblem } from './wire.ts'

/** What is the same for all objects of a document. */
export interface RuleDocument {
  readonly problems: RuleShapeProblem[]
  readonly warnings: RuleShapeProblem[]
  /** Whether keys count in the order of their octets, as in YAML, and not as they are written. */
  readonly sortsKeys: boolean
}

/**
 * Reads the members of one object of a rule document as Go's encoding/json does: names are matched without regard to case;
 * `null` and absence give the zero value; another type is a problem.
 */
export class RuleReader {
  /** For the problems found below it. */
  ruleId: string | undefined
  readonly #object: PlainObject
  readonly #path: KeyPath
  readonly #document: RuleDocument
  /** Names that were asked for: all that an object of its kind may have. */
  readonly #known = new Set<string>()

  constructor(value: unknown, path: KeyPath, document: RuleDocument, ruleId?: string) {
    this.#path = path
    this.#document = document
    this.ruleId = ruleId
    this.#object = isPlainObject(value) ? value : {}
    if (value !== undefined && value !== null && !isPlainObject(value))
      this.tell([], `must be an object, found ${describe(value)}`)
  }

  tell(path: KeyPath, message: string): void {
    this.#document.problems.push({ path: [...this.#path, ...path], message, ruleId: this.ruleId })
  }

  /** Warns of keys that nobody asked for; once everything is read. They are ignored, as in Oathkeeper. */
  warnOfUnknown(): void {
    const known = [...this.#known]
    for (const key of Object.keys(this.#object)) {
      if (this.#known.has(folded(key))) continue
      const meant = nearest(key, known)
      const message = `is not a key here and is ignored${meant === undefined ? '' : `; did you mean ${meant}?`}`
      this.#document.warnings.push({ path: [...this.#path, key], message, ruleId: this.ruleId })
    }
  }

  raw(name: string): unknown {
    return this.#object[this.#keyOf(name)]
  }

  hasExactly(name: string): boolean {
    this.#known.add(folded(name))
    return Object.hasOwn(this.#object, name)
  }

  exactly(name: string): unknown {
    return this.hasExactly(name) ? this.#object[name] : undefined
  }

  text(name: string): string {
    const value = this.raw(name)
    if (value === undefined || value === null) return ''
    if (typeof value === 'string') return value
    this.tell([name], `must be a text, found ${describe(value)}`)
    return ''
  }

  flag(name: string): boolean {
    const value = this.raw(name)
    if (value === undefined || value === null || typeof value === 'boolean') return value === true
    this.tell([name], `must be true or false, found ${describe(value)}`)
    return false
  }

  texts(name: string): readonly string[] {
    const texts: string[] = []
    for (const [index, item] of this.#items(name).entries()) {
      if (typeof item === 'string') texts.push(item)
      else if (item === null) texts.push('')
      else this.tell([name, index], `must be a text, found ${describe(item)}`)
    }
    return texts
  }

  object(name: string): RuleReader {
    return new RuleReader(this.raw(name), [...this.#path, name], this.#document, this.ruleId)
  }

  list(name: string): RuleReader[] {
    return this.#items(name).map(
      (item, index) => new RuleReader(item, [...this.#path, name, index], this.#document, this.ruleId),
    )
  }

  /** A handler's own configuration: kept as it is, checked by the handler. */
  settings(name: string): PlainObject | undefined {
    const value = this.raw(name)
    if (value === undefined || value === null) return undefined
    if (isPlainObject(value)) return value
    this.tell([name], `must be an object, found ${describe(value)}`)
    return undefined
  }

  #items(name: string): readonly unknown[] {
    const value = this.raw(name)
    if (value === undefined || value === null) return []
    if (Array.isArray(value)) return value
    this.tell([name], `must be a list, found ${describe(value)}`)
    return []
  }

  /** Of several spellings the last counts: in JSON as they are written, in YAML, which Go sorts on the way, as they sort. */
  #keyOf(name: string): string {
    this.#known.add(name)
    const spellings = Object.keys(this.#object).filter((key) => folded(key) === name)
    if (spellings.length > 1 && this.#document.sortsKeys) spellings.sort(byOctets)
    return spellings.at(-1) ?? name
  }
}

/** Go's folding of letters takes the long s for an s, and the sign of the kelvin for a k. */
function folded(key: string): string {
  return key.toLowerCase().replaceAll('ſ', 's')
}

function byOctets(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value === null) return 'nothing'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
