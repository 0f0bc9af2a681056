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
*/Cargo.toml) # a crate: with what Debian has of others
	need cargo
	registry=/usr/share/cargo/registry
	[ -d "$registry" ] || { echo "skip: no $registry" && exit 77; }
	cp "${source%/*}"/* "$work" && cd "$work" || exit 1
	cargo build -q --offline --release --config 'source.crates-io.replace-with="debian"' \
		--config "source.debian.directory=\"$registry\"" || { echo "skip: cannot build it" && exit 77; }
	set -- "$@" -- "$work/target/release/adapter"
	;;
*) set -- "$@" -- "$source" ;;
esac
"$pmkit" grade "$@"
