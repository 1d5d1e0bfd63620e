import type { Command } from 'commander'
import { nearest } from '../lib/did-you-mean.ts'

/** A command that only holds others, which `addMembers` adds. Alone it says which, as in Oathkeeper. */
export function addGroup(
  program: Command,
  name: string,
  description: string,
  addMembers: (group: Command) => void,
): void {
  const group = program.command(name).description(description)
  addMembers(group)
  // Not before: its members would take it over.
  group.allowExcessArguments().action(() => {
    const [unknown] = group.args
    if (unknown === undefined) {
      group.outputHelp()
      return
    }
    const names = group.commands.map((command) => command.name())
    const meant = nearest(unknown, names)
    group.error(`error: unknown command '${unknown}'${meant === undefined ? '' : `\n(Did you mean ${meant}?)`}`)
  })
}
