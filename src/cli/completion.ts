import { Argument, type Command } from 'commander'
import { COMPLETE, FILES } from './complete.ts'
import type { CliContext, Finish } from './context.ts'
import { EXIT } from './exit-codes.ts'

const BASH = `# bash completion for oathkeeper
_oathkeeper() {
  local word meaning current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS=$'\\t' read -r word meaning; do
    if [ "$word" = '${FILES}' ]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
    fi
    COMPREPLY+=("$word")
  done < <(oathkeeper ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _oathkeeper oathkeeper
`

const ZSH = `#compdef oathkeeper
# zsh completion for oathkeeper
_oathkeeper() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ $line == '${FILES}' ]]; then
      _files
      return
    fi
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(oathkeeper ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'oathkeeper' found
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _oathkeeper "$@"
else
  compdef _oathkeeper oathkeeper
fi
`

const FISH = `# fish completion for oathkeeper
function __oathkeeper_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (oathkeeper ${COMPLETE} $words[2..-1] 2>/dev/null)
  if test "$found[1]" = '${FILES}'
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c oathkeeper -f -a '(__oathkeeper_complete)'
`

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

const HELP = `
Examples:
  source <(oathkeeper completion bash)                                     in this shell
  oathkeeper completion bash > /etc/bash_completion.d/oathkeeper           in every bash
  oathkeeper completion zsh > "\${fpath[1]}/_oathkeeper"                    in every zsh
  oathkeeper completion fish > ~/.config/fish/completions/oathkeeper.fish  in every fish
`

/** `oathkeeper completion`: prints the script that completes words for a shell. */
export function addCompletionCommand(program: Command, context: CliContext, finish: Finish): void {
  program
    .command('completion')
    .description('Print the script that completes words in a shell.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', HELP)
    .action((shell: string) => {
      context.out(SCRIPTS[shell] ?? '')
      finish(EXIT.done)
    })
}
