import { nameOf, splitMultipath } from './multipath.ts'
import { splitAtPipe, splitItem, splitKey, type ItemHead } from './path.ts'
import { compileCondition, type Condition } from './query.ts'
import { endOfBlock, leadingBlock } from './scan.ts'
import { encodeBytes } from './strings.ts'
import { exists, parseValue, type Value } from './value.ts'

/** Finds a value in a document. */
export type Lookup = (document: string) => Value

/** Makes another document of one. */
export type Modifier = (document: string, argument: string, compile: (path: string) => Lookup) => string

/** What a path is at a place of the document: whether it is taken for a key or an index shows only there. */
export interface Step {
  readonly key: KeyStep
  readonly item: ItemStep
}

interface Common {
  /** The path goes on below. */
  readonly next: Step | undefined
  /** What is found is a document of its own for this. */
  readonly pipe: Lookup | undefined
}

export interface KeyStep extends Common {
  readonly part: string
  readonly isWild: boolean
}

export interface ItemStep extends Common {
  /** Of one item; -1 for none. */
  readonly index: number
  readonly hasHash: boolean
  /** `#` alone: the number of items, or `each` of them. */
  readonly isCount: boolean
  readonly each: Branch | undefined
  readonly query: QueryStep | undefined
}

/** A path into each of many, and what is done with the list of what is found. */
export interface Branch {
  readonly lookup: Lookup
  readonly pipe: Lookup | undefined
}

export interface QueryStep {
  readonly lookup: Lookup
  /** It asks about the item itself and not about something in it. */
  readonly isOfItem: boolean
  readonly condition: Condition
  readonly all: boolean
  readonly inside: Branch | undefined
}

export interface CompilerOptions {
  readonly modifiers: ReadonlyMap<string, Modifier>
  readonly search: (document: string, step: Step) => Value
  readonly searchLines: (document: string, step: ItemStep) => Value
}

/** Creates a compiler; everything it compiles shares what paths have in common. */
export function createCompiler({ modifiers, search, searchLines }: CompilerOptions): (path: string) => Lookup {
  const lookups = new Map<string, Lookup>()
  const steps = new Map<string, Step>()
  const isModifier = (name: string) => modifiers.has(name)

  function compile(path: string): Lookup {
    let lookup = lookups.get(path)
    if (lookup === undefined) {
      lookup = compileNew(path)
      lookups.set(path, lookup)
    }
    return lookup
  }

  function compileNew(path: string): Lookup {
    if (path.length > 1) {
      const special = compileModifier(path) ?? compileStatic(path)
      if (special !== undefined) return special
      if (path.startsWith('[') || path.startsWith('{')) return compileMultipath(path)
    }
    return compilePlain(path)
  }

  function compilePlain(path: string): Lookup {
    if (path.startsWith('..')) {
      const { item } = stepOf(path.slice(2))
      return (document) => searchLines(document, item)
    }
    const step = stepOf(path)
    return (document) => search(document, step)
  }

  function compileModifier(path: string): Lookup | undefined {
    const name = /^@([^.|:]*)/.exec(path)?.[1]
    const modifier = name === undefined ? undefined : modifiers.get(name)
    if (name === undefined || modifier === undefined) return undefined
    const behind = path.slice(name.length + 1)
    const [argument, rest] = behind.startsWith(':') ? splitArgument(behind.slice(1)) : ['', behind]
    const then = compileRest(rest)
    return (document) => then(modifier(document, argument, compile))
  }

  function compileStatic(path: string): Lookup | undefined {
    const found = path.startsWith('!') ? splitStatic(path.slice(1)) : undefined
    if (found === undefined) return undefined
    const then = compileRest(found.rest)
    return () => then(found.json)
  }

  /** What stands behind a modifier or a literal: anything that is no continuation is ignored. */
  function compileRest(rest: string): Lookup {
    return rest.startsWith('|') || rest.startsWith('.') ? compile(rest.slice(1)) : parseValue
  }

  function compileMultipath(path: string): Lookup {
    const parsed = splitMultipath(path)
    if (parsed === undefined) return compilePlain('')
    const rest = path.slice(parsed.end)
    if (rest !== '' && !rest.startsWith('|') && !rest.startsWith('.')) return compilePlain(rest)
    const isObject = path.startsWith('{')
    const selectors = parsed.selectors.map((selector) => ({
      prefix: isObject ? `${nameOf(selector)}:` : '',
      lookup: compile(selector.path),
    }))
    const then = rest === '' ? undefined : compile(rest.slice(1))
    return (document) => {
      const members: string[] = []
      for (const { prefix, lookup } of selectors) {
        const found = lookup(document)
        if (exists(found)) members.push(prefix + found.raw)
      }
      const raw = isObject ? `{${members.join(',')}}` : `[${members.join(',')}]`
      return then === undefined ? { kind: 'block', raw } : then(raw)
    }
  }

  function stepOf(path: string): Step {
    let step = steps.get(path)
    if (step === undefined) {
      step = { key: keyStep(path), item: itemStep(splitItem(path, isModifier)) }
      steps.set(path, step)
    }
    return step
  }

  function keyStep(path: string): KeyStep {
    const { part, isWild, rest, pipe } = splitKey(path, isModifier)
    return { part, isWild, ...common(rest, pipe) }
  }

  function itemStep({ part, rest, pipe, hasHash, each, query }: ItemHead): ItemStep {
    return {
      index: hasHash ? -1 : indexOf(part),
      hasHash,
      isCount: part === '#',
      each: each === undefined ? undefined : branch(each),
      query: query && {
        lookup: compile(query.path),
        isOfItem: query.path === '',
        condition: compileCondition(query),
        all: query.all,
        inside: rest === undefined ? undefined : branch(rest),
      },
      ...common(hasHash ? undefined : rest, pipe),
    }
  }

  function common(rest: string | undefined, pipe: string | undefined): Common {
    return {
      next: rest === undefined ? undefined : stepOf(rest),
      pipe: pipe === undefined ? undefined : compile(pipe),
    }
  }

  function branch(path: string): Branch {
    const [left, right] = splitAtPipe(path) ?? [path, undefined]
    return { lookup: compile(left), pipe: right === undefined ? undefined : compile(right) }
  }

  return (path) => compile(encodeBytes(path))
}

/** As Go's 64-bit integers overflow, so does an index. */
function indexOf(part: string): number {
  if (!/^\d+$/.test(part)) return -1
  return part.length < 16 ? Number(part) : Number(BigInt.asIntN(64, BigInt(part)))
}

/** Splits the argument of a modifier from what follows it. */
function splitArgument(text: string): readonly [argument: string, rest: string] {
  if (/^[{["]/.test(text)) {
    const argument = leadingBlock(text)
    return [argument, text.slice(argument.length)]
  }
  let at = 0
  for (; at < text.length && text[at] !== '|'; at++) {
    if ('{["('.includes(text[at] as string)) at += leadingBlock(text.slice(at)).length - 1
  }
  return [text.slice(0, at), text.slice(at)]
}

/** Splits a literal, which stands behind `!`, from what follows it. */
function splitStatic(text: string): { readonly json: string; readonly rest: string } | undefined {
  if (/^[{["+\-0-9]/.test(text)) {
    const end = endOfBlock(text, 0)
    return { json: text.slice(0, end), rest: text.slice(end) }
  }
  const word = /^[^.|]*/.exec(text)?.[0] ?? ''
  if (!/^(?:true|false|null|nan|inf)$/i.test(word)) return undefined
  return { json: word, rest: text.slice(word.length) }
}
