#!/bin/sh
# pmkit fuzz --consumer finds from nothing what one animal of the zoo does wrong, keeps a script that shows it, and
# nothing in the one that is right; a consumer that crashes and one that hangs, deaf to SIGTERM, are seen.
# usage: fuzz.sh PMKIT ZOO
set -u
pmkit=$1 zoo=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# expect STATUS WHAT ARG...: pmkit fuzz with these arguments ends so, and says WHAT.
expect() {
	want=$1 what=$2
	shift 2
	"$pmkit" fuzz --consumer --keep "$dir/kept" "$@" >"$dir/out" 2>&1
	status=$?
	[ $status -ne 77 ] || { cat "$dir/out" && exit 77; }
	if [ $status -ne "$want" ] || ! grep -q "$what" "$dir/out"; then
		echo "exit $status, expected $want and '$what': $*"
		cat "$dir/out"
		exit 1
	fi
}

expect 1 'found 1,.*miss:.*flags' --adapter --timeout 60 --runs 4000 --enough 1 -- "$zoo" drops_unknown
grep -q '^scenario' "$dir/kept/found/000001.pmk" || { echo "nothing was kept" && exit 1; }
expect 0 'found 0' --adapter --timeout 60 --runs 60 -- "$zoo" right
expect 1 'SIGSEGV' --enough 1 --runs 20 -- sh -c 'grep -q . /proc/1000/maps && kill -SEGV $$'
expect 1 'no end within' --enough 1 --runs 20 --timeout 0.2 -- \
	sh -c 'trap "" TERM; grep -q . /proc/1000/maps || exit; while :; do :; done'
expect 0 'found 0' --runs 5 -- true
expect 2 'expected --consumer'
exit 0
