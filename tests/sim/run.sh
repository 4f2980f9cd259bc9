#!/bin/sh
# The seeded simulation as a test: the same seeds every time, then one that nobody has seen.
# A failure prints its seed; `make sim SEED=n` repeats it.
set -eu
sim=${BIN:-build/release}/tests/sim/sim
# Sanitizers make it several times slower.
case $BIN in *san*) seeds=40 ;; *) seeds=200 ;; esac
[ -z "${JOBD_LONG:-}" ] || seeds=$((seeds * 10))
"$sim" --seeds "$seeds"
"$sim" "$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')"
