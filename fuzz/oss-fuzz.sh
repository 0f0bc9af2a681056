#!/bin/sh
# Builds the fuzz targets by the conventions of OSS-Fuzz and ClusterFuzzLite: with $CC, $CFLAGS and $LIB_FUZZING_ENGINE,
# into $OUT, with a seed corpus and a dictionary beside each.  Elsewhere it stands in for them: see README.md.
set -eu
src=$(cd "$(dirname "$0")/.." && pwd)
: "${CC:=clang}" "${OUT:?where to put the targets}" "${WORK:=$OUT/build}"
: "${CFLAGS:=-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link}"
: "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}"

# The environment's flags take the place of a preset's.
cmake -S "$src" -B "$WORK" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$CFLAGS" \
	-DPMK_FUZZ=ON -DPMK_FUZZ_ENGINE_FLAGS="$LIB_FUZZING_ENGINE" -DPMK_TESTS=OFF
cmake --build "$WORK" --target fuzz_targets -j "$(nproc)"
mkdir -p "$OUT"
for binary in "$WORK"/fuzz/fuzz_*; do
	target=${binary##*/fuzz_}
	case $target in *.* | empty) continue ;; esac
	cp "$binary" "$OUT/"
	for file in dict options; do
		[ ! -e "$src/fuzz/$target.$file" ] || cp "$src/fuzz/$target.$file" "$OUT/fuzz_$target.$file"
	done
	# files of a campaign have unique names; those of folders get the folder's in front
	(cd "$src/corpus/$target" && rm -f "$OUT/fuzz_${target}_seed_corpus.zip" &&
		find . -type f | sort | python3 -c 'import sys, zipfile
z = zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED)
for path in sys.stdin.read().splitlines():
    z.write(path, path[2:].replace("/", "-"))' "$OUT/fuzz_${target}_seed_corpus.zip")
done
