#!/bin/sh
# Every scenario is listed under its theme, with a line of description, and runs by its name.
# usage: scenario_list.sh PMKIT FOLDER
set -u
pmkit=$1 folder=$2 wrong=0 listed=0 theme=''
list=$(mktemp) || exit 1
trap 'rm -f "$list" "$list.why"' EXIT
fail() {
	echo "FAIL: $*"
	wrong=1
}

"$pmkit" run --list >"$list" || exit 1
while read -r name about; do
	case $name in
	'') continue ;;
	*-*) ;;
	*)
		theme=$name
		continue
		;;
	esac
	listed=$((listed + 1))
	[ "${name%%-*}" = "$theme" ] || fail "$name stands under $theme"
	[ -f "$folder/$name.pmk" ] || fail "$name has no file"
	[ "# $about" = "$(head -n 1 "$folder/$name.pmk")" ] || fail "$name: its first line is not '$about'"
	case $about in
	?*" "*[a-z0-9]*.) ;;
	*) fail "$name: no sentence: '$about'" ;;
	esac
	[ "${#about}" -le 160 ] || fail "$name: ${#about} characters are not one line"
	"$pmkit" run "$name" -- sh -c 'exit 7' </dev/null 2>"$list.why"
	case $? in
	7) ;;
	77) echo "skip: $(tail -n 1 "$list.why")" && exit 77 ;;
	*) fail "$name: does not run: $(cat "$list.why")" ;;
	esac
done <"$list"
files=$(find "$folder" -name '*.pmk' | wc -l)
[ "$listed" -eq "$files" ] || fail "$listed scenarios are listed, $files are there"
[ "$listed" -ge 40 ] || fail "only $listed scenarios"
echo "$listed scenarios, listed and run by name"
exit "$wrong"
