#!/bin/sh
# The fuzz targets as a test: replay each corpus, then mutate it a number of times; the seed is printed.
set -eu
cd "$(dirname "$0")/../.."
for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	[ "$name" != main ] || continue
	"${BIN:-build/release}/tests/fuzz/$name" -n "${ROUNDS:-20000}" "tests/fuzz/corpus/$name"
done
