#!/bin/sh
# A queue is paused and drained; what waits in it starts after resume only, whatever happens to the daemon meanwhile.
. "$(dirname "$0")/lib.sh"
start_jobd
check "add a queue" jobctl queue add work --slots 2
jobctl queue add work 2>"$T/err"
same "a second of the name" $? 6
grep -q "there is a queue of this name: work" "$T/err" || fail "$(cat "$T/err")"
same "they are listed" "$(jobctl queue --no-headers 2>/dev/null | cut -f 1,2 | grep work | paste -sd ' ')" "work	2"
same "one that is not there" "$(jobctl queue pause nosuch 2>&1)" "jobctl: there is no queue nosuch"
jobctl add -q -n first --queue work --sh "echo begun >>$T/first; while [ ! -e $T/go ]; do sleep 0.02; done" >/dev/null
while [ ! -s "$T/first" ]; do :; done
check "pause" jobctl queue pause -q work
jobctl add -q -n second --queue work --sh "echo begun >>$T/second" >/dev/null
jobctl add -q -n free --sh "echo begun >>$T/free" >/dev/null
check "another queue goes on" jobctl wait free
kill_jobd
start_jobd
jobctl why second | grep -q "queue work is paused by uid" || fail "why: $(jobctl why second)"
check "drain while it runs" sh -c "'$BIN/jobctl' queue drain work >'$T/drained' & d=\$!; touch '$T/go'; wait \$d"
grep -q "0 running, 1 waiting" "$T/drained" || fail "drain says: $(cat "$T/drained")"
same "the first has ended" "$(jobctl show first --json | field job.state)" finished
[ ! -e "$T/second" ] || fail "the second has begun"
kill_jobd
start_jobd
same "paused again" "$(jobctl queue --json | field queues.2.pausedBy)" "uid $(id -u)"
[ ! -e "$T/second" ] || fail "the second has begun"
check "resume" jobctl queue resume work
check "the second runs" jobctl wait second
same "once" "$(wc -l <"$T/second")" 1
jobctl queue rm work 2>"$T/err"
same "a queue with jobs" $? 6
grep -q "jobs name it" "$T/err" || fail "rm says: $(cat "$T/err")"
check "rm the jobs" jobctl rm -q first second
check "rm the queue" jobctl queue rm work
jobctl queue set work --slots 2 2>"$T/err"
same "a queue that is not there" $? 3
jobctl queue rm default 2>"$T/err"
same "one that is always there" $? 6
jobctl queue set default --rate fast 2>"$T/err"
same "a bad rate" $? 2
stop_jobd
