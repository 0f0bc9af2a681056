#!/bin/sh
# adapter.sh PMKIT ADAPTER [SCRIPT or CLAUSE...]: builds the adapter, if it must be, and grades it.
# 77: the tool chain is not here, or nothing can be mounted.
set -u
pmkit=$1 source=$2
shift 2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

need() {
	command -v "$1" >/dev/null && return
	echo "skip: no $1"
	exit 77
}

case $source in
*.py) need python3 && set -- "$@" -- python3 "$source" ;;
*.sh) need od && set -- "$@" -- sh "$source" ;;
*.go)
	need go
	GO111MODULE=off GOCACHE=$work/cache go build -o "$work/adapter" "$source" || exit 1
	set -- "$@" -- "$work/adapter"
	;;
*.rs)
	need rustc
	rustc -O -o "$work/adapter" "$source" || exit 1
	set -- "$@" -- "$work/adapter"
	;;
*) set -- "$@" -- "$source" ;;
esac
"$pmkit" grade "$@"
