#!/bin/sh
# Real programs, unmodified, on the scenario swap-heavy: 1000 pages, of which 950 are in swap. By each way of pmkit run, as far as
# it shows what they read; and on a plain mount, by a consumer's own option.
# usage: programs.sh PMKIT [PAGE_TYPES]
set -u
pmkit=$1 page_types=${2:-} wrong=0 seen=0
dir=$(mktemp -d) || exit 1
trap 'umount -l "$dir/proc" 2>/dev/null || fusermount3 -uzq "$dir/proc" 2>/dev/null; rm -rf "$dir"' EXIT
mkdir "$dir/proc"
"$pmkit" run --by fuse swap-heavy -- true 2>"$dir/why" || { echo "skip: $(tail -n 1 "$dir/why")" && exit 77; }

# expect NAME TEXT COMMAND...: what it prints has TEXT, blanks counting as one.
expect() {
	name=$1 text=$2
	shift 2
	"$@" >"$dir/out" 2>&1
	seen=$((seen + 1))
	if tr -s ' \t' ' ' <"$dir/out" | grep -q -e "$text"; then
		echo "ok: $name: $(tr -s ' \t' ' ' <"$dir/out" | grep -m 1 -e "$text")"
	else
		echo "FAIL: $name: expected '$text': $(cat "$dir/out")"
		wrong=1
	fi
}
# have PROGRAM PACKAGE
have() {
	command -v "$1" >/dev/null && return
	echo "left out: $1 ($2)"
	return 1
}

# shellcheck disable=SC2016 # it is awk's
swap='/^Swap:/ { kb += $2 } END { print kb }'
cat >"$dir/read.py" <<'EOF'
import struct
with open("/proc/self/pagemap", "rb") as pagemap:
    pagemap.seek(0x60000000 // 4096 * 8)
    print(*(hex(word) for word in struct.unpack("2Q", pagemap.read(16))))
EOF
cat >"$dir/read.go" <<'EOF'
package main

import (
	"encoding/binary"
	"fmt"
	"os"
)

func main() {
	pagemap, err := os.Open("/proc/self/pagemap")
	if err != nil {
		panic(err)
	}
	var words [2]uint64
	pagemap.Seek(0x60000000/4096*8, 0)
	done := make(chan error)
	go func() { done <- binary.Read(pagemap, binary.LittleEndian, &words) }() // maybe in another thread
	err = <-done
	fmt.Printf("%#x %#x %v\n", words[0], words[1], err)
}
EOF
first='0x4080000000020000 0x4080000000020020'

for by in fuse seccomp bind; do
	if ! "$pmkit" run --by $by swap-heavy -- true 2>"$dir/why"; then
		echo "left out: --by $by: $(tail -n 1 "$dir/why")"
		continue
	fi
	run="$pmkit run --by $by swap-heavy --"
	# shellcheck disable=SC2086 # words
	{
		! have python3 python3 || expect "python3, $by" "$first" $run python3 "$dir/read.py"
		! have awk mawk || expect "awk, $by" '^3800$' $run awk "$swap" /proc/self/smaps
		! have pmap procps || expect "pmap, $by" '^0*60000000 4000 200 200 rw---' $run sh -c 'exec pmap -x $$'
	}
done
run="$pmkit run --by fuse swap-heavy --"
# shellcheck disable=SC2086 # words
{
	! have smem smem || expect smem '1000 3800 200' $run smem -H -c 'pid swap rss'
	if have go golang-go && GO111MODULE=off GOCACHE="$dir/cache" CGO_ENABLED=0 go build -o "$dir/read" "$dir/read.go"; then
		expect "a static Go program" "$first" $run "$dir/read"
		expect "a static Go program, seccomp" "$first" "$pmkit" run --by seccomp swap-heavy -- "$dir/read"
	fi
	[ -x "$page_types" ] && expect "page-types (Linux)" '^ total 1000 3$' $run "$page_types" -p 1000
	[ -x "$page_types" ] && expect "page-types, flags" ' 50 0 .*uptodate,lru,mmap,anonymous,swapbacked' $run "$page_types" -p 1000
}

# The example of mockfs/README.md, at a place of our own.
if "$pmkit" mount swap-heavy "$dir/proc" 2>"$dir/why"; then
	expect "translate --proc-root" '0x60000000 in swap, type 0 offset 0x1000' "$pmkit" translate --proc-root "$dir/proc" 1000 0x60000000
	expect "awk of a plain mount" '^3800$' awk "$swap" "$dir/proc/1000/smaps"
else
	echo "left out: mount: $(cat "$dir/why")"
fi
echo "$seen programs"
exit "$wrong"
