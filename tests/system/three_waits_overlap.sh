#!/bin/sh
# Waits overlap: three timers added together, the longest first, end by themselves, the shortest first.
. "$(dirname "$0")/lib.sh"
start_jobd
# One array, so that they are due at the same instant however slow the machine is.
printf '%s\0' '{"method":"io.jobd.Add","parameters":{"jobs":[
	{"name":"c","timer":{"durationUSec":600000}},
	{"name":"b","timer":{"durationUSec":400000}},
	{"name":"a","timer":{"durationUSec":200000}}]}}' | "$TOOLS/call" "$S" >"$T/out"
same "ids" "$(field parameters.ids.# <"$T/out")" 3
check "waiting for all" jobctl wait a b c
for n in a b c; do
	same "$n" "$(jobctl show $n --json | field job.lastRun.state)" succeeded
done
ends() { jobctl show "$1" --json | field job.lastRun.exitedAt; }
sorted=$(for n in a b c; do ends $n; done | sort | tr '\n' ' ')
same "order of their ends" "$(for n in a b c; do ends $n; done | tr '\n' ' ')" "$sorted"
stop_jobd
