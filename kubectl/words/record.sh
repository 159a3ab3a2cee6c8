#!/usr/bin/env bash
# Records the words that a stock kubectl says about itself, for the client of this crate to say.
# usage: record.sh KUBECTL   (writes help.txt, completion.* and version.txt beside itself)
set -euo pipefail
kubectl=$(realpath "$1")
cd "$(dirname "$0")"
export HOME=/HOME KUBECONFIG=/nowhere
record() { # one command and those below it
    printf '\f%s\n' "$*"
    "$kubectl" "$@" --help
    local sub
    for sub in $("$kubectl" "$@" --help | sed -n '/^Available Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
        record "$@" "$sub"
    done
}
{
    printf '\f\n'
    "$kubectl" --help
    printf '\foptions\n'
    "$kubectl" options
    for command in $("$kubectl" --help | sed -n '/^[A-Z].*Commands.*:$/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
        record "$command"
    done
} >help.txt
for shell in bash zsh fish powershell; do
    "$kubectl" completion $shell >completion.$shell
done
"$kubectl" version --client -o yaml >version.txt
