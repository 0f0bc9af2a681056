#!/bin/sh
# What is captured of a live process and replayed shows the same, byte for byte, to whoever looks: pmkit translate,
# pmap (procps), memory read by dd, and the kernel's own page-types where there is one.
# usage: capture.sh PMKIT
pmkit=$1
dir=$(mktemp -d) || exit 1
sleep 1000 &
pid=$!
trap 'kill $pid 2>/dev/null; rm -rf "$dir"' EXIT

skip() {
	echo "SKIP: $*"
	exit 77
}
fail() {
	echo "FAIL: $*"
	exit 1
}

while ! grep -q 'libc\|ld' /proc/$pid/maps; do :; done # it has begun
"$pmkit" capture --keep-pfns "$pid" -o "$dir/script.pmk" || fail "capture"
"$pmkit" check "$dir/script.pmk" || fail "what was captured is no script"
"$pmkit" run "$dir/script.pmk" -- true 2>"$dir/why" || skip "$(tail -n 1 "$dir/why")"

# pages: the address of each present page
pages=$(awk '$6 ~ /sleep|stack|heap/ { split($1, a, "-"); print "0x" a[1] }' /proc/$pid/maps)

# same NAME COMMAND...: it prints the same on the live process and on the replay. The live one may change while we look
# (its flags, by whoever walks the machine's memory), so: the same before and after, or once more.
same() {
	name=$1
	shift
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
		"$@" >"$dir/before" 2>&1
		"$pmkit" capture --keep-pfns "$pid" -o "$dir/script.pmk" 2>"$dir/why" || fail "capture: $(cat "$dir/why")"
		"$@" >"$dir/after" 2>&1
		cmp -s "$dir/before" "$dir/after" || continue
		"$pmkit" run "$dir/script.pmk" -- "$@" >"$dir/replay" 2>&1
		if cmp -s "$dir/after" "$dir/replay"; then
			echo "same: $name, $(wc -c <"$dir/after") bytes"
			return
		fi
	done
	diff "$dir/after" "$dir/replay" | head -n 20
	fail "$name prints something else"
}

# A sanitizer's runtime reads /proc/self/maps, which is the script's here.
translates=$("$pmkit" run "$dir/script.pmk" -- "$pmkit" --version 2>/dev/null) || echo "left out: pmkit translate, sanitized"
same "maps" cat /proc/$pid/maps
# shellcheck disable=SC2086 # words
[ -z "$translates" ] || same "pmkit translate" "$pmkit" translate $pid $pages
first=$(awk 'NR == 1 { split($1, a, "-"); print a[1] }' /proc/$pid/maps)
same "pagemap by dd" sh -c "dd if=/proc/$pid/pagemap bs=8 skip=$((0x$first / $(getconf PAGESIZE))) count=64 2>/dev/null | od -An -tx8"
# the header of pmap is the command line, which is no affair of ours
if command -v pmap >/dev/null; then
	same "pmap (Debian: procps)" sh -c "pmap $pid | sed 1d | sed 's/\[ stack \]/[ anon ]/'"
fi
if [ -r /proc/kpageflags ] && command -v "${PAGE_TYPES:-page-types}" >/dev/null; then
	same "page-types" "${PAGE_TYPES:-page-types}" -p $pid
	same "page-types -L" "${PAGE_TYPES:-page-types}" -L -p $pid
fi
# Renumbered, no PFN of the machine is left, and the flags are the same.
"$pmkit" capture "$pid" -o "$dir/script.pmk" 2>/dev/null || fail "capture"
"$pmkit" run "$dir/script.pmk" -- cat /proc/$pid/maps | cmp -s - /proc/$pid/maps || fail "maps, renumbered"

# Whoever is not there is said so, and no file is left.
"$pmkit" capture 999999999 -o "$dir/none.pmk" 2>"$dir/why" && fail "captured nobody"
grep -q 'No such file' "$dir/why" || fail "nobody: $(cat "$dir/why")"
[ ! -e "$dir/none.pmk" ] || fail "half a script"
