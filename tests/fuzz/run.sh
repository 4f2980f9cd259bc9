#!/bin/sh
# The fuzz targets as a test: replay the corpora, then mutate them a number of times.
set -eu
cd "$(dirname "$0")/../.."
for target in "${BIN:-build/release}"/tests/fuzz/*; do
	[ -x "$target" ] && [ -f "$target" ] || continue
	"$target" --rounds "${ROUNDS:-20000}" "tests/fuzz/corpus/$(basename "$target")"
done
