#!/bin/sh
# A command that dies of a signal gives 128 + its number, as a shell does, and says so.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl run -n victim --sh 'kill -KILL $$' 2>/dev/null
same "exit code" $? 137
same "signal" "$(jobctl show victim --json | field job.lastRun.signal)" 9
same "state" "$(jobctl show victim --json | field job.lastRun.state)" failed
stop_jobd
