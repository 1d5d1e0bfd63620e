import { type Command, Option } from 'commander'
import { escapeInJson } from '../observability/quote.ts'

/** How a result is printed. */
export type Format = 'json' | 'yaml' | 'table'

/** `--format`, of which the first is the default. */
export function addFormatOption(command: Command, formats: readonly [Format, ...Format[]]): Command {
  return command.addOption(new Option('--format <format>', 'form of the output').choices(formats).default(formats[0]))
}

/** Writes a document; `table` gives its rows, the first of which is the head. */
export async function render(
  document: unknown,
  format: Format,
  table: () => readonly (readonly string[])[],
): Promise<string> {
  if (format === 'table') return tableText(table())
  if (format === 'json') return `${escapeInJson(JSON.stringify(document, undefined, '\t'))}\n`
  const { dump } = await import('js-yaml')
  return dump(document, { lineWidth: -1, noRefs: true })
}

/** Columns, two spaces apart. What came over the network sends nothing to a terminal. */
function tableText(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? '')].length)))
  return cells
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

/** A text in which nothing but letters is left to a terminal. */
export function printable(text: string): string {
  return escapeInJson(text.replace(/[\u0000-\u001f]/g, ' '))
}
