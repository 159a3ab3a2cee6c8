//! `kubectl completion`: a small script for a shell, which asks `kubectl __complete` for everything.
//!
//! The scripts are ours and know nothing of kubectl; `complete` does.

use super::shared::command;
use crate::fail::{Fail, Outcome};
use crate::flags::{Command, Parsed};
use crate::session::Session;

pub(super) const COMMAND: Command = command(
    "completion",
    "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)",
    "SHELL",
    &[],
    run,
);

const BASH: &str = r#"# kubectl completion for bash: source <(kubectl completion bash)
__kubectl_complete() {
    local line directive candidate answer
    answer=$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" "${COMP_WORDS[COMP_CWORD]}" 2>/dev/null)
    directive=${answer##*:}
    COMPREPLY=()
    while IFS= read -r line; do
        candidate=${line%%$'\t'*}
        case $line in
            :*) ;;
            *) [ -n "$candidate" ] && COMPREPLY+=("$candidate") ;;
        esac
    done <<< "$answer"
    if (( directive & 8 )) || (( directive == 0 && ${#COMPREPLY[@]} == 0 )); then
        COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
    fi
    if (( directive & 2 )); then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F __kubectl_complete kubectl
"#;

const ZSH: &str = r#"#compdef kubectl
# kubectl completion for zsh: source <(kubectl completion zsh)
_kubectl() {
    local line directive
    local -a answer candidates
    answer=("${(@f)$(kubectl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in $answer; do
        case $line in
            :*) directive=${line#:} ;;
            *) candidates+=("${${line//:/\\:}/$'\t'/:}") ;;
        esac
    done
    if (( directive & 8 )) || (( directive == 0 && ${#candidates} == 0 )); then
        _files
    elif (( directive & 2 )); then
        _describe kubectl candidates -S ''
    else
        _describe kubectl candidates
    fi
}
compdef _kubectl kubectl
"#;

const FISH: &str = r#"# kubectl completion for fish: kubectl completion fish | source
function __kubectl_complete
    set -l words (commandline -opc)
    kubectl __complete $words[2..-1] (commandline -ct) 2>/dev/null | string match -rv '^:'
end
complete -c kubectl -f -a '(__kubectl_complete)'
"#;

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    match &parsed.args[..] {
        [] => Err(Fail::usage("completion", "Shell not specified.")),
        [shell] => match shell.as_str() {
            "bash" => session.out(BASH),
            "zsh" => session.out(ZSH),
            "fish" => session.out(FISH),
            "powershell" => Err(Fail::not_in_lab("kubectl completion powershell")),
            other => Err(Fail::usage(
                "completion",
                format!("Unsupported shell type \"{other}\"."),
            )),
        },
        _ => Err(Fail::usage(
            "completion",
            "Too many arguments. Expected only the shell type.",
        )),
    }
}
