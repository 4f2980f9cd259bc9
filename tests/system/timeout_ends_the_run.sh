#!/bin/sh
# A run that takes longer than its timeout is ended and timed_out; the client's code is 124.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl run -n slow --timeout 200ms -- sleep 1000 2>/dev/null
same "exit code" $? 124
same "state" "$(jobctl show slow --json | field job.lastRun.state)" timed_out
jobctl wait slow
same "exit code of wait" $? 124
jobctl add -q -n slow-timer --timer 1000s --timeout 100ms --wait >/dev/null 2>&1
same "a timer, too" $? 124
stop_jobd
