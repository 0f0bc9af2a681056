#!/bin/sh
# Prints into DIR what targets that read scripts begin with: each conformance script without its comments, and, where
# PMKIT is given, a capture of this shell.  For a campaign; the corpus keeps what a merge finds worth keeping.
# usage: seeds.sh DIR [PMKIT]
set -eu
src=$(cd "$(dirname "$0")/.." && pwd)
out=${1:?usage: seeds.sh DIR [PMKIT]}
mkdir -p "$out"
for script in "$src"/conformance/scripts/*.pmk "$src"/mockfs/scenarios/*.pmk; do
	name=${script##*/}
	sed '/^#/d; /^$/d; s/ *#[^"]*$//' "$script" >"$out/${name%.pmk}"
done
[ $# -lt 2 ] || "$2" capture $$ -o "$out/captured-$(uname -r)"
