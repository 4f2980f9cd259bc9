#!/bin/sh
# The demo's nine jobs: three timers, three checks, three commands, of 1, 2 and 3 s each; then wait for all.
# nine.sh JOBCTL PORT
set -eu
jobctl=$1 port=$2
for n in 1 2 3; do
	"$jobctl" add -q -n "timer-$n" --timer "${n}s" >/dev/null
	"$jobctl" add -q -n "check-$n" --http "http://localhost:$port/$n" >/dev/null
	"$jobctl" add -q -n "command-$n" -- sleep "$n" >/dev/null
done
"$jobctl" wait timer-1 timer-2 timer-3 check-1 check-2 check-3 command-1 command-2 command-3 >/dev/null
