#!/bin/sh
# The runner dies with its commands: adopt leaves the run lost, fail retries it, rerun runs it again after what is left
# has ended, and quarantines a job to which that happens three times in a row.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/begun"
work="echo \$\$ >$T/begun; exec sleep 1000"
# The pid of the next that begins.  Whoever began before may be about to close the pipe: then it is empty.
begun() {
	pid=
	while [ -z "$pid" ]; do read -r pid <"$T/begun"; done
}
crash() {
	r=$(runner_pid)
	kill -KILL "$r" && gone "$r"
}

jobctl add -q -n adopt --retries 2 --backoff fixed:10ms --sh "$work" >/dev/null
begun
crash
jobctl wait adopt >/dev/null 2>&1
same "adopt: lost, and no retry" "$(jobctl show 1.1 --json | field state) $(jobctl show 1.1 --json | field attempt)" "lost 1"

jobctl add -q -n fail --retries 1 --backoff fixed:10ms --on-crash fail --sh "$work" >/dev/null
begun
first=$pid
crash
begun
"$TOOLS/gone" "$first" 0 || fail "what the dead runner had left runs beside the second attempt"
crash
jobctl wait fail >/dev/null 2>&1
same "fail: as retries allow" "$(jobctl show 2.1 --json | field state) $(jobctl show 2.1 --json | field attempt)" "lost 2"

jobctl add -q -n rerun --on-crash rerun --every 1h --sh "$work" >/dev/null
for i in 1 2 3; do
	begun
	same "attempt" "$(jobctl show 3.1 --json | field attempt)" $i
	crash
done
jobctl wait rerun >/dev/null 2>&1
same "rerun: quarantined" "$(jobctl show rerun --json | field job.state)" quarantined
jobctl status rerun | grep -q "lost 3 times in a row" || fail "status: $(jobctl status rerun)"
jobctl list --state quarantined | grep -q rerun || fail "list"
jobctl why rerun | grep -q "quarantined, for it was lost 3 times in a row" || fail "why: $(jobctl why rerun)"
kill_jobd
start_jobd
same "it stays so" "$(jobctl show rerun --json | field job.state)" quarantined
check "retry" jobctl retry -q rerun
begun
same "it runs" "$(jobctl show rerun --json | field job.state)" running
check "cancel" jobctl cancel -q rerun
jobctl wait 3.1 >/dev/null 2>&1
same "what a person ends is not run again" "$(jobctl show 3.1 --json | field state)" canceled
same "and it goes on" "$(jobctl show rerun --json | field job.state)" scheduled
stop_jobd
