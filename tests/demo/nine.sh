#!/bin/sh
# The demo's nine jobs: three timers, three checks, three commands, each of a wait of its own; then wait for all.
# nine.sh JOBCTL PORT SECONDS SECONDS SECONDS
set -eu
jobctl=$1 port=$2
shift 2
i=1
for wait; do
	"$jobctl" add -q -n "timer-$i" --timer "$(echo "$wait" | awk '{ print $1 * 1000 }')ms" >/dev/null
	"$jobctl" add -q -n "check-$i" --http "http://localhost:$port/$wait" >/dev/null
	"$jobctl" add -q -n "command-$i" -- sleep "$wait" >/dev/null
	i=$((i + 1))
done
"$jobctl" wait timer-1 timer-2 timer-3 check-1 check-2 check-3 command-1 command-2 command-3 >/dev/null
