#!/bin/sh
# What goes wrong when ci/fetch fetches a kernel: a clear line, nothing half-written taken for whole, nothing left behind.
# The mirror is a pair of scripts in place of apt-get and apt-cache.
set -u
for tool in dpkg-deb depmod modprobe flock; do
	PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
fetch=$1/ci/fetch
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
release=6.12.1-cloud-amd64

fail() {
	echo "NOT OK  $*"
	failed=1
}

# run NAME STATUS TEXT: of the fetch with the environment as it is.
run() {
	"$fetch" trixie amd64 cloud-amd64 6.12 >"$tmp/out" 2>"$tmp/err"
	rc=$?
	if [ $rc -ne "$2" ] || ! cat "$tmp/out" "$tmp/err" | grep -q "$3"; then
		fail "$1: status $rc, expected $2 and \"$3\":"
		cat "$tmp/out" "$tmp/err"
	else
		echo "ok      $1"
	fi
	leftovers=$(find "$PMKIT_CACHE/tmp" -mindepth 1 2>/dev/null)
	[ -z "$leftovers" ] || fail "$1: left $leftovers"
	[ "$2" -eq 0 ] || [ -z "$(find "$PMKIT_CACHE/kernels" -name format 2>/dev/null)" ] || fail "$1: an entry in the cache"
}

fresh() { export PMKIT_CACHE="$tmp/cache.$1"; }

mkdir -p "$tmp/bin" "$tmp/deb/DEBIAN" "$tmp/deb/boot"
printf 'Package: linux-image-%s\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody <nobody@example>\nDescription: none\n' \
	$release >"$tmp/deb/DEBIAN/control"
head -c 300000 /dev/urandom >"$tmp/deb/boot/vmlinuz-$release"
dpkg-deb -b "$tmp/deb" "$tmp/whole.deb" >/dev/null || exit 1
head -c 150000 "$tmp/whole.deb" >"$tmp/half.deb"
cat >"$tmp/bin/apt-cache" <<END
#!/bin/sh
printf 'Package: linux-image-$release\nVersion: 1\nSize: 300000\n\n'
END
cat >"$tmp/bin/apt-get" <<'END'
#!/bin/sh
for word; do
	case $word in
	update) [ -z "${NO_NETWORK:-}" ] || { echo 'E: Failed to fetch x  Could not connect' && exit 100; } ;;
	download) [ -z "${SLOW:-}" ] || sleep 30
		cp "$DEB" ./linux-image.deb ;;
	esac
done
END
chmod +x "$tmp/bin/apt-cache" "$tmp/bin/apt-get"
PATH=$tmp/bin:$PATH
export PATH DEBIAN_MIRROR=http://mirror.invalid DEB="$tmp/whole.deb" PMKIT_OFFLINE='' NO_NETWORK='' SLOW=''

fresh offline
PMKIT_OFFLINE=1 run "offline with nothing in the cache" 1 'not in the cache, and told to stay offline'
fresh network
NO_NETWORK=1 run "no network" 1 'package index of trixie: Could not connect'
fresh half
DEB=$tmp/half.deb run "a package that ends too early" 1 "$release: .*deb"
DEB=$tmp/whole.deb run "and then a whole one" 0 "kernels/trixie-amd64/$release"
NO_NETWORK=1 PMKIT_INDEX_HOURS=0 run "no network, but fetched before" 0 "kernels/trixie-amd64/$release"
rm -f "$PMKIT_CACHE/kernels/trixie-amd64/$release/format"
NO_NETWORK=1 PMKIT_OFFLINE=1 run "an entry without its last file is none" 1 'not in the cache'
fresh disk
printf '#!/bin/sh\nprintf "x\\nx 1 1 100 1 /\\n"\n' >"$tmp/bin/df"
chmod +x "$tmp/bin/df"
run "a full disk" 1 'MiB free in'
rm "$tmp/bin/df"
mkdir "$tmp/file" && : >"$tmp/file/cache"
PMKIT_CACHE=$tmp/file/cache/x run "a cache that cannot be written" 1 'cannot write to'

fresh interrupted
SLOW=1 setsid "$fetch" trixie amd64 cloud-amd64 6.12 >/dev/null 2>&1 &
pid=$!
n=0
while [ $n -lt 20 ] && [ -z "$(find "$PMKIT_CACHE/tmp" -mindepth 1 2>/dev/null)" ]; do
	sleep 0.5
	n=$((n + 1))
done
# as a terminal would: to all of them at once
kill -TERM -$pid
wait $pid
rc=$?
if [ $rc -eq 130 ] && [ -z "$(find "$PMKIT_CACHE/tmp" "$PMKIT_CACHE/kernels" -mindepth 1 2>/dev/null)" ]; then
	echo "ok      an interruption leaves nothing"
else
	fail "an interruption: status $rc"
fi
exit $failed
