#!/bin/sh
# "Put your consumer under test" of README.md, as it is written there: each row's command, in an empty folder with its adapter.
# usage: newcomer.sh PMKIT TOP
set -u
pmkit=$1 top=$2 wrong=0 rows=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
"$pmkit" run swap-heavy -- true 2>"$dir/why" || { echo "skip: $(tail -n 1 "$dir/why")" && exit 77; }

# What an installation gives: the command in the PATH, the header and the library (built anew, for ours may be sanitized).
mkdir "$dir/bin" "$dir/lib" "$dir/include"
ln -s "$pmkit" "$dir/bin/pmkit"
cp "$top"/decoder/*.h "$dir/include"
(cd "$dir/lib" && cc -O1 -D_GNU_SOURCE -I"$top/decoder" -c "$top"/decoder/*.c && ar rc libpagemapkit.a ./*.o) || exit 1
export PATH="$dir/bin:$PATH" CPATH="$dir/include" LIBRARY_PATH="$dir/lib" GO111MODULE=off GOCACHE="$dir/cache"

# | C | [`c/adapter.c`](conformance/adapters/c/adapter.c) | `cc adapter.c -lpagemapkit -o adapter && pmkit grade -- ./adapter` |
# shellcheck disable=SC2016 # Markdown's backquotes
sed -n 's/^| \([A-Za-z]*\) | \[`.*`\](\(conformance\/adapters\/.*\)) | `\(.*\)` |$/\1:\2:\3/p' "$top/README.md" >"$dir/rows"
while IFS=: read -r language adapter command; do
	rows=$((rows + 1))
	case $command in *' && '*) tool=${command%% *} ;; *) tool=$(echo "$command" | sed 's/.* -- \([^ ]*\).*/\1/') ;; esac
	command -v "$tool" >/dev/null || { echo "left out: $language: no $tool" && continue; }
	mkdir "$dir/$language"
	cp "$top/$adapter" "$dir/$language"
	began=$(date +%s%N)
	(cd "$dir/$language" && sh -c "$command") >"$dir/out" 2>&1 </dev/null
	rc=$?
	if [ $rc -ne 0 ] || ! grep -q ': 100.0 %' "$dir/out" || grep -q 'warning:' "$dir/out"; then
		echo "FAIL: $language: $command: exit $rc: $(head -n 20 "$dir/out")"
		wrong=1
	else
		echo "$language: $((($(date +%s%N) - began) / 1000000)) ms: $(tail -n 1 "$dir/out")"
	fi
done <"$dir/rows"
[ "$rows" -ge 4 ] || { echo "FAIL: $rows rows in README.md" && wrong=1; }
exit "$wrong"
