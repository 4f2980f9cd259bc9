#!/bin/sh
# The seeded simulation as a test: the same seeds every time, then one that nobody has seen.
# A failure prints its seed; `make sim SEED=n` repeats it.
set -eu
BIN=${BIN:-build/release}
sim=$BIN/tests/sim/sim
# Sanitizers make it several times slower.
case $BIN in *san*) seeds=40 slow=1 ;; *) seeds=200 slow=4 ;; esac
[ -z "${JOBD_LONG:-}" ] || seeds=$((seeds * 10)) slow=$((slow * 15))
"$sim" --seeds "$seeds"
# Worlds of a year and more, with jobs of hours, days and weeks.
"$sim" --seeds "$slow" --slow
# Told before it begins, so that it is known also when it is killed.
seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
echo "SEED=$seed"
"$sim" "$seed"
