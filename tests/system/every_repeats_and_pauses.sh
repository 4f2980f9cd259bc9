#!/bin/sh
# A job with --every runs again and again; paused it does not; resumed it does; triggered it runs at once.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/events"
"$BIN/jobctl" watch --json >"$T/events" &
watch=$!
exec 3<"$T/events"
read -r first <&3
# Only now are all events ours.
jobctl add -q -n tick --every 100ms --timer 0s >/dev/null
ended() {
	n=$1
	while [ "$n" -gt 0 ]; do
		read -r line <&3 || fail "watch ended"
		case $line in *run_ended*) n=$((n - 1)) ;; esac
	done
}
ended 3
check "pause" jobctl pause tick
same "paused" "$(jobctl show tick --json | field job.state)" paused
runs=$(jobctl show tick --json | field job.runs)
check "trigger runs a paused job, too" jobctl trigger tick
id=$(jobctl show tick --json | field job.id)
check "wait for it" jobctl wait "$id.$((runs + 1))"
same "no other run meanwhile" "$(jobctl show tick --json | field job.runs)" $((runs + 1))
check "resume" jobctl resume tick
ended 3
check "rm" jobctl rm tick --cancel
jobctl show tick >/dev/null 2>&1
same "gone" $? 3
kill $watch
stop_jobd
