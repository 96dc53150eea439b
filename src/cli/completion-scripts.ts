/** The script of each shell. They ask `legion __complete -- WORD...`, which writes a candidate a line, with a tab and a remark after it. */
export const completionScripts = {
  bash: `# Completion of legion for bash. Put this into ~/.bashrc:
#   source <(legion completion bash)
_legion() {
  local candidate remark
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate remark; do
    COMPREPLY+=("$candidate")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -o default -F _legion legion
`,
  zsh: `#compdef legion
# Completion of legion for zsh. Put this into ~/.zshrc, after compinit:
#   source <(legion completion zsh)
_legion() {
  local line
  local -a described
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#described} )); then
    _describe 'legion' described
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == "_legion" ]]; then
  _legion
else
  compdef _legion legion
fi
`,
  fish: `# Completion of legion for fish. Put this into ~/.config/fish/config.fish:
#   legion completion fish | source
function __legion_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c legion -f -a '(__legion_complete)'
`,
} as const;

export type Shell = keyof typeof completionScripts;

export const shells = Object.keys(completionScripts) as readonly Shell[];
