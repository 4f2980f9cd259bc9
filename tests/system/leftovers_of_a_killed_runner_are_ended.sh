#!/bin/sh
# Commands that a killed runner has left are ended before the next runner starts any, however little they want to;
# another runner's are left alone.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/pids"
jobctl add -q -n soft --sh "sleep 1000 & echo \$! \$\$ >$T/pids; wait" >/dev/null
read -r child soft <"$T/pids"
jobctl add -q -n hard --sh "trap '' TERM; echo \$\$ >$T/pids; while :; do sleep 1000; done" >/dev/null
read -r hard <"$T/pids"
runner=$(runner_pid)
kill -KILL "$runner" && gone "$runner"
kill -0 "$soft" || fail "a command ended with its runner"
# One with the same job and run, of somebody else's.
JOBD_JOB=1 JOBD_RUN=1.1 JOBD_ATTEMPT=1 JOBD_RUNNER=0123456789abcdef sleep 1000 &
stranger=$!
same "the next command" "$(jobctl run -- echo fine)" fine
for p in $soft $child $hard; do
	"$TOOLS/gone" "$p" 0 || { kill -KILL "$p"; fail "process $p is still there"; }
done
kill "$stranger" || fail "a stranger was ended"
check "the log tells" grep -q "an earlier jobd-runner has left commands running" "$T/state/runner/log"
stop_jobd
