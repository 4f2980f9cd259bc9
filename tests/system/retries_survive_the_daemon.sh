#!/bin/sh
# A run that waits for its next attempt waits in the store: neither a killed daemon nor a pause loses it, overlap counts
# it as active, and nothing is tried twice.
. "$(dirname "$0")/lib.sh"
start_jobd

# Until it waits for its next attempt; a job that never does is a failure.
retrying() {
	n=0
	until [ "$(jobctl show "$1" --json | field job.state)" = retrying ]; do
		n=$((n + 1))
		[ $n -lt 2000 ] || fail "$1 is not retrying: $(jobctl status "$1")"
	done
}

try="echo \$JOBD_ATTEMPT >>$T/tries; [ -e $T/good ]"
jobctl add -q -n far --retries 3 --backoff fixed:1h --every 100ms --sh "$try" >/dev/null || fail add
retrying far
n=0
while [ "$(jobctl show far --json | field job.skips)" -lt 3 ]; do
	n=$((n + 1))
	[ $n -lt 2000 ] || fail "it is not skipped for overlap"
done
same "it is active meanwhile" "$(jobctl show far --json | field job.runs)" 1
jobctl why far | grep -q "attempt 2 comes at" || fail "why: $(jobctl why far)"
at=$(jobctl show 1.1 --json | field retryAt)
kill_jobd
start_jobd
same "state after a restart" "$(jobctl show 1.1 --json | field state)" retrying
same "and its time" "$(jobctl show 1.1 --json | field retryAt)" "$at"
same "it counts" "$(jobctl stats --json | field retrying)" 1
check "pause" jobctl pause -q far
jobctl status 1.1 | grep -q "held back" || fail "a pause holds it back: $(jobctl status 1.1)"
touch "$T/good"
check "now" jobctl retry -q 1.1
check "it succeeds, paused or not" jobctl wait 1.1
same "tries" "$(paste -sd , "$T/tries")" "1,2"
check "cancel" jobctl rm --cancel -q far

# One that comes by itself, soon after the daemon that was to see to it has gone.
rm -f "$T/good" "$T/tries"
jobctl add -q -n near --retries 3 --backoff fixed:300ms --sh "$try" >/dev/null
retrying near
kill_jobd
touch "$T/good"
start_jobd
check "it goes on" jobctl wait near
same "tries" "$(paste -sd , "$T/tries")" "1,2"

rm -f "$T/good"
jobctl add -q -n stop --retries 3 --backoff fixed:1h --sh "$try" >/dev/null
retrying stop
check "cancel" jobctl cancel -q stop
jobctl wait stop >/dev/null 2>&1
same "canceled" $? 130
same "and it has ended" "$(jobctl show stop --json | field job.state)" finished
stop_jobd
