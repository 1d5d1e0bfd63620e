import { type Command, InvalidArgumentError } from 'commander'

const FLAGS = '-e, --endpoint <url>'

/** `-e URL`, where the API of a running instance is; before or behind the command's name. */
export function addEndpointOption(command: Command): Command {
  return command.option(FLAGS, 'URL of the API (serve.api), such as http://127.0.0.1:4456', parseEndpoint)
}

/** What was given to the command or to its group. Ends with wrong usage when that is nothing. */
export function endpointOf(command: Command): string {
  const given = [command, command.parent].map((level) => level?.opts<{ endpoint?: string }>().endpoint)
  return (
    given.find((endpoint) => endpoint !== undefined) ?? command.error(`error: required option '${FLAGS}' not specified`)
  )
}

/** Without a slash at its end. */
function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('It must be an http(s) URL.')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
