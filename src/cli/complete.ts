import type { Command, Option } from 'commander'

/** Hidden command that the shells' scripts ask: `oathkeeper __complete WORD…`, the last of which is being typed. */
export const COMPLETE = '__complete'

/** The answer that asks the shell for names of files. */
export const FILES = ':file'

const TAKES_A_FILE = new Set(['--config'])

/** What may stand in place of the last word, one line each: the word, a tab, what it means. */
export function complete(program: Command, words: readonly string[]): string {
  const current = words.at(-1) ?? ''
  // Bash makes `--format=json` three words.
  const before = words.slice(0, -1).filter((word) => word !== '=')
  const { command, pending } = follow(program, before)
  const [option, value] = splitOption(current)
  const assigned = value === undefined ? undefined : optionsOf(command).find(({ long }) => long === option)
  if (pending !== undefined) return valuesOf(pending, current === '=' ? '' : current, '')
  if (assigned !== undefined) return valuesOf(assigned, value ?? '', `${option}=`)
  const candidates = current.startsWith('-') ? optionLines(command) : commandLines(program, command)
  return candidates.filter((candidate) => candidate.startsWith(current)).join('')
}

/** The command that the words name, and the option that waits for its value. */
function follow(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly pending: Option | undefined } {
  let command = program
  let pending: Option | undefined
  for (const word of words) {
    if (pending !== undefined) pending = undefined
    else if (word.startsWith('-'))
      pending = optionsOf(command).find((option) => isNamed(option, word) && !option.isBoolean())
    else command = command.commands.find((one) => one.name() === word) ?? command
  }
  return { command, pending }
}

function isNamed({ short, long }: Option, word: string): boolean {
  return short === word || long === word
}

/** Those of the command, and those of the commands above it. */
function optionsOf(command: Command): Option[] {
  const levels: Command[] = []
  for (let level: Command | null = command; level !== null; level = level.parent) levels.push(level)
  return levels.flatMap(({ options }) => [...options]).filter(({ hidden }) => !hidden)
}

function splitOption(word: string): [option: string, value: string | undefined] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

function valuesOf(option: Option, begun: string, prefix: string): string {
  if (TAKES_A_FILE.has(option.long ?? '')) return `${FILES}\n`
  const choices = option.argChoices ?? []
  return choices
    .filter((choice) => choice.startsWith(begun))
    .map((choice) => line(prefix + choice, option.description))
    .join('')
}

function optionLines(command: Command): string[] {
  const lines = optionsOf(command).map(({ long, short, description }) => line(long ?? short ?? '', description))
  return [...new Set([...lines, line('--help', 'display help')])]
}

function commandLines(program: Command, command: Command): string[] {
  const help = command === program ? [line('help', 'display help for a command')] : []
  return [...command.commands.map((one) => line(one.name(), one.description())), ...help]
}

function line(word: string, meaning: string): string {
  return `${word}\t${meaning}\n`
}
