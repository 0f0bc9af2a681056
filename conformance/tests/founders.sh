#!/bin/sh
# founders.sh PMKIT ZOO README: the founders' scores are those that the README has. Prints the lines as they are now.
set -u
pmkit=$1 zoo=$2 readme=$3 wrong=0

for founder in procfs_reader translator_55 translator_54; do
	score=$("$pmkit" grade -- "$zoo" "$founder")
	case $? in 77) exit 77 ;; esac
	percent=$(printf '%s\n' "$score" | sed -n "s/^$founder: \(.* %\),.*/\1/p")
	misses=$(printf '%s\n' "$score" | sed -n 's/^MISS *\([^ ]*\) .*/\1/p' | LC_ALL=C sort | tr '\n' ' ')
	line="| \`$founder\` | $percent | ${misses% } |"
	printf '%s\n' "$line"
	grep -qF -e "$line" "$readme" || wrong=1
done
[ "$wrong" -eq 0 ] || echo "$readme: has other scores; put these lines there"
exit "$wrong"
