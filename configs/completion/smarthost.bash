# Tab completion of smarthost's verbs, options, message ids, devices and accounts, for bash.
# Switch it on: copy this file to /usr/share/bash-completion/completions/smarthost, or source it in ~/.bashrc.
# zsh: put "autoload -U bashcompinit && bashcompinit" before that line in ~/.zshrc.

_smarthost() {
  local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "$word"))
}
complete -o default -F _smarthost smarthost
