#!/bin/sh
# SPDX-License-Identifier: MIT
# An adapter of pmkit grade in plain shell. Put your own reader in the place of read_word().
export LC_ALL=C

# Sets value to a member of the question, without quotes; to nothing if there is none.
member() {
	value=${line#*\""$1"\":}
	[ "$value" != "$line" ] || value=
	value=${value%%[,\}]*}
	value=${value#\"}
	value=${value%\"}
}

# read_word FILE INDEX: sets word to 16 hexadecimal digits, or to nothing, and error.
read_word() {
	word=$(dd if="$1" bs=8 skip="$2" count=1 2>/dev/null | od -An -v -tx8 | tr -d ' ')
	[ -z "$word" ] || return 0
	case $(dd if="$1" bs=8 skip="$2" count=1 2>&1) in
	*"Permission denied"*) error=EACCES ;;
	*"not permitted"*) error=EPERM ;;
	*"No such file"*) error=ENOENT ;;
	*"No such process"*) error=ESRCH ;;
	*) error=EOF ;;
	esac
}

# Bit 63 is present, bit 62 swap-like; a frame of 0 is a hidden one.
page() {
	pfn=$((0x${word#??} & 0x7fffffffffffff))
	case $word in
	[89a-f]*) echo "{\"state\":\"present\",\"pfn\":$(if [ $pfn -eq 0 ]; then echo null; else echo $pfn; fi)}" ;;
	[4-7]*) echo '{"state":"swapped"}' ;;
	*) echo '{"state":"absent"}' ;;
	esac
}

echo '{"adapter":"sh","page":["state","pfn"],"frame":["flags"]}'
while read -r line; do
	member pfn
	if [ -n "$value" ]; then
		read_word /proc/kpageflags $((value))
		answer="{\"flags\":\"0x$word\"}"
	else
		member address && address=$value
		member page_size && index=$((address / value))
		member pid && read_word "/proc/$value/pagemap" "$index"
		[ -z "$word" ] || answer=$(page)
	fi
	[ -n "$word" ] || answer="{\"error\":\"$error\"}"
	printf '%s\n' "$answer"
done
