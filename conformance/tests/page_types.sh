#!/bin/sh
# page_types.sh OUT: the kernel's own page-types, from Debian's linux-source where that is installed; kept for the next time.
set -u
out=$1
[ ! -x "$out" ] || exit 0
skip() {
	echo "skip: $*"
	exit 77
}
source=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' 2>/dev/null | sort -V | tail -n 1)
[ -n "$source" ] || skip "no linux-source-*.tar.xz in /usr/src"
command -v "${CC:-cc}" >/dev/null || skip "no ${CC:-cc}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
tar -xJf "$source" --strip-components=1 --wildcards '*/tools/lib/api/*' '*/tools/lib/str_error_r.c' '*/tools/include/*' \
	'*/include/uapi/linux/magic.h' '*/include/uapi/linux/kernel-page-flags.h' '*/tools/*m/page-types.c' || exit 1
cd tools/*m || exit 1 # tools/vm, since 6.3 tools/mm
# What it lacks is for mounting debugfs, which is not asked for.
"${CC:-cc}" -O2 -w -D_GNU_SOURCE -I../lib -I../lib/api -I../include -o "$out" page-types.c ../lib/api/fs/fs.c ../lib/api/debug.c \
	../lib/str_error_r.c || exit 1
