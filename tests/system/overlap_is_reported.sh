#!/bin/sh
# A job whose run outlasts its occurrences skips them, each is counted, and from three on status tells that it is blocked.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/events"
jobctl watch --json >"$T/events" &
exec 3<"$T/events"
read -r first <&3
jobctl add -q --every 100ms -n slow --timer 1h >/dev/null
skipped=0
while [ $skipped -lt 3 ]; do
	read -r line <&3 || fail "watch ended"
	case $line in *job_skipped*) skipped=$((skipped + 1)) ;; esac
done
[ "$(jobctl show slow --json | field job.overlaps)" -ge 3 ] || fail "overlaps are not counted"
jobctl status | grep -q "blocked by their own run" || fail "status: $(jobctl status)"
jobctl status slow | grep -q "blocked by its own run" || fail "status slow: $(jobctl status slow)"
grep -q "blocked by its own run" "$T/log" || fail "the log does not say it"
check "cancel" jobctl cancel slow
while :; do
	read -r line <&3 || fail "watch ended"
	case $line in *run_started*) break ;; esac
done
same "the next run is a new count" "$(jobctl show slow --json | field job.runs)" 2
check "rm" jobctl rm --cancel slow
stop_jobd
