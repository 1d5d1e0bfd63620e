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

  /** Calls `visit` with the entries, those of shorter prefixes first, until it returns false. */
  walk(text: string, visit: (entry: Entry) => boolean): void {
    let node = this.#root
    let at = 0
    for (;;) {
      for (const entry of node.entries) if (!visit(entry)) return
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
  let shared = texts[0] ?? ''
  for (const text of texts) while (!text.startsWith(shared)) shared = shared.slice(0, -1)
  return shared
}
