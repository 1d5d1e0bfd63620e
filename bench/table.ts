import { arch, cpus, platform } from 'node:os'

/** What it ran on. */
export function machine(): string {
  return `Node ${process.version}, ${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}`
}

/** Prints a table as documents have it; numbers to the right, what is in the first column, or below `textColumns`, to the left. */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns: readonly number[] = [0],
): void {
  const table = [head, head.map(() => '---'), ...rows]
  const widths = head.map((_, i) => Math.max(...table.map((row) => (row[i] ?? '').length)))
  for (const row of table) {
    const cells = row.map((cell, i) =>
      textColumns.includes(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    )
    console.log(`| ${cells.join(' | ')} |`)
  }
}
