interface Node<Entry> {
  /** What leads here from the node above. */
  readonly label: string
  readonly entries: readonly Entry[]
  readonly children: ReadonlyMap<number, Node<Entry>>
}

/**
 * Finds, in time that depends on the length of a text alone, the entries whose prefix the text begins with. Made once,
 * never changed.
 */
export class PrefixTree<Entry> {
  readonly #root: Node<Entry>

  constructor(entries: readonly (readonly [prefix: string, entry: Entry])[]) {
    this.#root = build('', entries)
  }

  /** Calls `visit` with the entries, those of shorter prefixes first. */
  walk(text: string, visit: (entry: Entry) => void): void {
    let node = this.#root
    let at = 0
    for (;;) {
      for (const entry of node.entries) visit(entry)
      const next = node.children.get(text.charCodeAt(at))
      if (next === undefined || !text.startsWith(next.label, at)) return
      at += next.label.length
      node = next
    }
  }
}

function build<Entry>(label: string, rest: readonly (readonly [string, Entry])[]): Node<Entry> {
  const here: Entry[] = []
  const byFirst = new Map<number, (readonly [string, Entry])[]>()
  for (const pair of rest) {
    if (pair[0] === '') {
      here.push(pair[1])
      continue
    }
    const first = pair[0].charCodeAt(0)
    const group = byFirst.get(first)
    if (group === undefined) byFirst.set(first, [pair])
    else group.push(pair)
  }
  const children = new Map<number, Node<Entry>>()
  for (const [first, group] of byFirst) {
    const shared = sharedPrefix(group.map(([prefix]) => prefix))
    children.set(
      first,
      build(
        shared,
        group.map(([prefix, entry]) => [prefix.slice(shared.length), entry]),
      ),
    )
  }
  return { label, entries: here, children }
}

function sharedPrefix(texts: readonly string[]): string {
  const [first = ''] = texts
  let length = first.length
  for (const text of texts) {
    let same = 0
    while (same < length && text.charCodeAt(same) === first.charCodeAt(same)) same++
    length = same
  }
  return first.slice(0, length)
}
