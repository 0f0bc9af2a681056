#!/bin/sh
# pmkit fuzz --consumer finds from nothing what animals of the zoo do wrong, keeps a script that shows it, and
# nothing in the one that is right; a consumer that crashes and one that hangs, deaf to SIGTERM, are seen.  With AFL++, a
# consumer is found by the code it reaches, forked and in persistent mode.
# usage: fuzz.sh PMKIT ZOO READER.c
set -u
pmkit=$1 zoo=$2 reader=$3
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# expect STATUS WHAT ARG...: pmkit fuzz with these arguments ends so, and says WHAT.
expect() {
	want=$1 what=$2
	shift 2
	rm -rf "$dir/kept"
	"$pmkit" fuzz --consumer --keep "$dir/kept" "$@" >"$dir/out" 2>&1
	status=$?
	[ $status -ne 77 ] || { cat "$dir/out" && exit 77; }
	if [ $status -ne "$want" ] || ! grep -q "$what" "$dir/out"; then
		echo "exit $status, expected $want and '$what': $*"
		cat "$dir/out"
		exit 1
	fi
}

# animal TEXT NAME: found from the empty script, kept with what was seen on top, and seen again by pmkit grade.
animal() {
	expect 1 "found 1,.*$1" --adapter --timeout 60 --runs 8000 --enough 1 -- "$zoo" "$2"
	grep -q '^scenario' "$dir/kept/found/000001.pmk" || { echo "$2: nothing was kept" && exit 1; }
	"$pmkit" check "$dir/kept/found/000001.pmk" || exit 1
	echo "$2: $(tail -n 1 "$dir/out")"
}
animal 'miss:.*flags' drops_unknown
animal 'pfn: expected null, answered 0x' not_present
animal 'swap-kind: expected marker, answered real' marker_is_swap
animal 'pfn: expected null, answered 0' pfn_0
expect 0 'found 0' --adapter --timeout 60 --runs 60 -- "$zoo" right
expect 1 'SIGSEGV' --enough 1 --runs 20 -- sh -c 'grep -q . /proc/1000/maps && kill -SEGV $$'
expect 1 'no end within' --enough 1 --runs 20 --timeout 0.2 -- \
	sh -c 'trap "" TERM; grep -q . /proc/1000/maps || exit; while :; do :; done'
expect 0 'found 0' --runs 5 -- true
expect 2 'expected --consumer'
# What an earlier campaign left: a file that is no script is said and left alone, the rest is gone on from.
mkdir -p "$dir/campaign/queue/folder" || exit 1
printf 'scenario 1\np: map heap 4 anon private rw\n' >"$dir/campaign/queue/000001.pmk"
head -c 20000 /dev/zero >"$dir/campaign/queue/000002.pmk"
"$pmkit" fuzz --consumer --keep "$dir/campaign" --runs 5 -- true >"$dir/out" 2>&1 || { cat "$dir/out" && exit 1; }
for left in folder 000002.pmk; do
	grep -q "left out: .*queue/$left" "$dir/out" || { echo "nothing was said of $left" && cat "$dir/out" && exit 1; }
done
# Gone on with, a campaign says each kind once and overwrites nothing.
for run in 1 2; do
	"$pmkit" fuzz --consumer --keep "$dir/again" --runs 60 -- sh -c 'grep -q . /proc/1000/maps && kill -SEGV $$' >"$dir/out" 2>&1
	[ $? -eq $((run == 1)) ] || { echo "campaign $run" && cat "$dir/out" && exit 1; }
done
if ! grep -q '1 found before' "$dir/out" || [ "$(ls "$dir/again/found")" != 000001.pmk ]; then
	cat "$dir/out" && exit 1
fi
# A disk that is full.
if [ -c /dev/full ] && ln -s /dev/full "$dir/full" && "$pmkit" fuzz --consumer --runs 5 -- true >"$dir/full" 2>/dev/null; then
	echo "a full disk was not said" && exit 1
fi
if command -v afl-clang-fast >/dev/null; then
	for mode in FORKED PERSISTENT; do
		AFL_QUIET=1 afl-clang-fast -O1 -D$mode -o "$dir/reader" "$reader" 2>"$dir/why" || { cat "$dir/why" && exit 1; }
		expect 1 'found 1,.*SIGABRT' --timeout 60 --runs 60000 --enough 1 -- "$dir/reader" 1000
		grep -q 'by fork server' "$dir/out" || { echo "no fork server was seen" && cat "$dir/out" && exit 1; }
		echo "reader, $mode: $(tail -n 1 "$dir/out")"
	done
else
	echo "left out: no afl-clang-fast"
fi
exit 0
