#!/bin/sh
# Waits overlap: each of three timers ends by itself, the shortest first, whatever the order of adding.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n c --timer 300ms >/dev/null
jobctl add -q -n b --timer 200ms >/dev/null
jobctl add -q -n a --timer 100ms >/dev/null
check "waiting for all" jobctl wait a b c
for n in a b c; do
	same "$n" "$(jobctl show $n --json | field job.lastRun.state)" succeeded
done
ends() { jobctl show "$1" --json | field job.lastRun.endedAt; }
sorted=$(for n in a b c; do ends $n; done | sort | tr '\n' ' ')
same "order of their ends" "$(for n in a b c; do ends $n; done | tr '\n' ' ')" "$sorted"
stop_jobd
