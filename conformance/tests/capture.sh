#!/bin/sh
# What is captured of a live process and replayed shows the same, byte for byte, to whoever looks: pmkit translate,
# pmap (procps), memory read by dd, and the kernel's own page-types where there is one.
# usage: capture.sh PMKIT [PAGE_TYPES]; without, page-types is that of $PAGE_TYPES or of the PATH
pmkit=$1
page_types=${PAGE_TYPES:-${2:-page-types}}
[ -x "$page_types" ] || page_types=$(command -v page-types)
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
# (its flags, by whoever walks the machine's memory), so: the same before and after, or once more. Each process that ends
# turns REFERENCED of the vDSO's pages over (folio_mark_accessed() of pages that are on no list), so that what capture sees
# is what comes before and after only with an even number of them in between: every other try has one more.
same() {
	name=$1 more=:
	shift
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
		"$@" >"$dir/before" 2>&1
		$more
		"$pmkit" capture --keep-pfns "$pid" -o "$dir/script.pmk" 2>"$dir/why" || fail "capture: $(cat "$dir/why")"
		$more
		"$@" >"$dir/after" 2>&1
		[ "$more" = /bin/true ] && more=: || more=/bin/true
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
if [ -r /proc/kpageflags ] && [ -n "$page_types" ]; then
	same "page-types (Linux)" "$page_types" -p $pid
	same "page-types -L" "$page_types" -L -p $pid
else
	echo "left out: page-types: no linux-source-*.tar.xz in /usr/src, or not root"
fi
# As a process beside the one that looks: that has its own memory, and the captured one is listed.
same_as() {
	"$pmkit" run "$dir/script.pmk" -- "$@" >"$dir/replay" 2>&1
	"$@" 2>&1 | cmp -s - "$dir/replay" || fail "beside: $*: $(cat "$dir/replay")"
}
"$pmkit" capture --beside "$pid" -o "$dir/script.pmk" 2>/dev/null || fail "capture --beside"
same_as cat /proc/$pid/maps
same_as sh -c "ps -o pid=,comm=,vsz= -p $pid | xargs"
"$pmkit" run "$dir/script.pmk" -- cat /proc/self/maps | grep -q '/cat$' || fail "beside: the command's own memory"
# Renumbered, no PFN of the machine is left, and the flags are the same.
"$pmkit" capture "$pid" -o "$dir/script.pmk" 2>/dev/null || fail "capture"
"$pmkit" run "$dir/script.pmk" -- cat /proc/$pid/maps | cmp -s - /proc/$pid/maps || fail "maps, renumbered"

# Whoever is not there is said so, and no file is left.
"$pmkit" capture 999999999 -o "$dir/none.pmk" 2>"$dir/why" && fail "captured nobody"
grep -q 'No such file' "$dir/why" || fail "nobody: $(cat "$dir/why")"
[ ! -e "$dir/none.pmk" ] || fail "half a script"
