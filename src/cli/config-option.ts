import type { Command } from 'commander'

/** `-c FILE`, as often as wanted, before or behind the command's name. */
export function addConfigOption(command: Command): Command {
  return command.option(
    '-c, --config <file>',
    'configuration file (YAML, JSON or TOML); repeat it to lay further files on top',
    (file: string, files: readonly string[] = []) => [...files, file],
  )
}

/** The files in the order in which they were given. */
export function configFilesOf(command: Command): string[] {
  return [command.parent, command].flatMap((level) => level?.opts<{ config?: readonly string[] }>().config ?? [])
}
