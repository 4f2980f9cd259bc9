#!/bin/sh
# The seeded simulation as a test: the same seeds every time, then one that nobody has seen.
# A failure prints its seed; `make sim SEED=n` repeats it.
set -eu
sim=${BIN:-build/release}/tests/sim/sim
# Sanitizers make it several times slower.
case $BIN in *san*) seeds=40 slow=1 ;; *) seeds=200 slow=4 ;; esac
[ -z "${JOBD_LONG:-}" ] || seeds=$((seeds * 10)) slow=$((slow * 15))
"$sim" --seeds "$seeds"
# Worlds of a year and more, with jobs of hours, days and weeks.
"$sim" --seeds "$slow" --slow
"$sim" "$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')"
