#!/bin/sh
# The completion, in a real bash: completion.sh PMKIT
set -u
command -v bash >/dev/null || { echo "skip: no bash" && exit 77; }
exec bash --norc -c '
eval "$("$0" completion bash)" || exit 1
wrong=0
# expect LINE WORD: WORD is among what completes the last word of LINE
expect() {
	COMP_WORDS=($1)
	[ "${1: -1}" != " " ] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_pmkit pmkit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
	case " ${COMPREPLY[*]} " in
	*" $2 "*) ;;
	*) echo "FAIL: $1 gives ${COMPREPLY[*]}, not $2" && wrong=1 ;;
	esac
	[ -z "${3:-}" ] || case " ${COMPREPLY[*]} " in *" $3 "*) echo "FAIL: $1 gives $3" && wrong=1 ;; esac
}
complete -p pmkit >/dev/null || exit 1
expect "pmkit " capture
expect "pmkit ca" capture run
expect "pmkit run --" --by --junit
expect "pmkit run --by " bind swap-heavy
expect "pmkit run --by s" seccomp fuse
expect "pmkit run --privilege " userns
expect "pmkit test --on m" mock kernel
expect "pmkit run swap-" swap-heavy fault-eio
expect "pmkit run --as 7" 7.3 6.1
expect "pmkit capture --b" --beside
exit $wrong
' "$1"
