#!/bin/sh
# Processes that are hard to capture: oneself, somebody else's, one that ends, one without memory, very large ones.
# usage: capture_cases.sh PMKIT
set -u
pmkit=$1
dir=$(mktemp -d) || exit 1
pid='' mounted=''
cleanup() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	[ -z "$mounted" ] || umount -l "$dir/proc" 2>/dev/null || fusermount3 -uz "$dir/proc"
	rm -rf "$dir"
}
trap cleanup EXIT
wrong=0
mkdir "$dir/proc"

# expect STATUS TEXT COMMAND...: exit status, and what must stand in its standard error, which goes to err.
expect() {
	status=$1 text=$2
	shift 2
	"$@" 2>"$dir/err" >"$dir/out"
	rc=$?
	if [ "$rc" -ne "$status" ] || { [ -n "$text" ] && ! grep -q -- "$text" "$dir/err"; }; then
		echo "FAIL: $*: exit $rc, expected $status and '$text': $(cat "$dir/err")"
		wrong=1
	fi
}
unmount() {
	umount -l "$dir/proc" 2>/dev/null || fusermount3 -uz "$dir/proc"
	mounted=''
}

# Itself: what it maps meanwhile is tried again; a sanitizer's runtime never comes to rest.
sh -c "exec '$pmkit' capture \$\$ -o '$dir/own.pmk'" 2>"$dir/err"
case $? in
0) expect 0 '' "$pmkit" check "$dir/own.pmk" ;;
*) expect 1 'the mappings changed while they were captured' sh -c "exec '$pmkit' capture \$\$ -o '$dir/own.pmk'" ;;
esac
# Whoever has no rights is told so.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	sleep 1000 &
	pid=$!
	chmod 755 "$dir"
	cp "$pmkit" "$dir/pmkit"
	expect 1 "/proc/$pid/maps: Permission denied" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		"$dir/pmkit" capture "$pid" -o /dev/null
	kill "$pid"
	pid=''
fi
# Without memory: a kernel thread and a zombie.
if [ -e /proc/2/maps ] && ! grep -q . /proc/2/maps; then
	expect 1 'process 2 has no memory' "$pmkit" capture 2
fi
sh -c 'sleep 0 & echo $!; exec sleep 1000' >"$dir/pid" &
pid=$!
while [ ! -s "$dir/pid" ]; do :; done
zombie=$(cat "$dir/pid")
while ! grep -q '^State:.Z' "/proc/$zombie/status"; do :; done
expect 1 "process $zombie has no memory" "$pmkit" capture "$zombie"
kill "$pid"
pid=''

# 8 TiB of which 1000 pages are there: reading every word would take minutes.
if command -v python3 >/dev/null; then
	cat >"$dir/wide.py" <<-'EOF'
		import mmap, time
		wide = mmap.mmap(-1, 1 << 43, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000) # MAP_NORESERVE
		for i in range(1000):
		    wide[i << 33] = 1
		print("ready", flush=True)
		time.sleep(1000)
	EOF
	cat >"$dir/peak.py" <<-'EOF'
		import resource, subprocess, sys, time
		began = time.time()
		status = subprocess.run(sys.argv[1:]).returncode
		peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
		print(f"{time.time() - began:.1f} s, {peak} MiB", file=sys.stderr)
		sys.exit(status or (3 if peak > 200 or time.time() - began > 5 else 0))
	EOF
	python3 "$dir/wide.py" >"$dir/ready" &
	pid=$!
	while [ ! -s "$dir/ready" ] && kill -0 $pid 2>/dev/null; do :; done
	# Holes are left out where there is PAGEMAP_SCAN, and where no soft-dirty bit stands in them.
	"$pmkit" test --on kernel scan-present soft-dirty-new-mapping >"$dir/test" 2>/dev/null
	if [ -s "$dir/ready" ] && grep -q '^ *ok .* scan-present$' "$dir/test" && grep -q 'SKIP needs pagemap.soft-dirty' "$dir/test"; then
		expect 0 '2147' timeout 60 python3 "$dir/peak.py" "$pmkit" capture "$pid" -o "$dir/wide.pmk"
		echo "8 TiB, mostly holes: $(tail -n 1 "$dir/err")"
		name=$(sed -n 's/.* given-vma \([^ ]*\) 2147483648 .*/\1/p' "$dir/wide.pmk")
		pages=$(grep -c "given-entry $name\[.*present" "$dir/wide.pmk")
		[ "$pages" -ge 1000 ] || { echo "FAIL: $pages of 1000 pages" && wrong=1; }
	fi
	kill "$pid"
	pid=''
fi

# Of the mock: one that ends between the reads, and 100,000 mappings.
if ! "$pmkit" mount process-dies-mid-read "$dir/proc" 2>"$dir/err"; then
	echo "left out: no mock: $(cat "$dir/err")"
	exit "$wrong"
fi
mounted=1
expect 1 'process 300 ended while it was captured' "$pmkit" capture --proc-root "$dir/proc" 300
unmount

awk 'BEGIN {
	printf "scenario 1\nram 0-0x3fffffff\np: given-process pid=900 bare\n"
	for (i = 0; i < 100000; i++)
		printf "p: map r%d 8 anon private rw at=0x10%06x0000\np: write r%d[2-5]\n", i, i, i
}' >"$dir/many.pmk"
"$pmkit" mount "$dir/many.pmk" "$dir/proc" || exit 1
mounted=1
expect 0 '100000 mappings' timeout 100 "$pmkit" capture --proc-root "$dir/proc" 900 -o "$dir/again.pmk"
cat "$dir/proc/900/maps" >"$dir/maps"
unmount
expect 0 '' timeout 100 "$pmkit" run "$dir/again.pmk" -- cat /proc/self/maps
cmp -s "$dir/maps" "$dir/out" || { echo "FAIL: 100,000 mappings are not the same" && wrong=1; }
expect 0 '' timeout 100 "$pmkit" check "$dir/again.pmk"
exit "$wrong"
