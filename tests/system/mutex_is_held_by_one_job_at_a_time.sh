#!/bin/sh
# Jobs that name one mutex never run together, though their queues have room, and nor after a crash of the daemon.
. "$(dirname "$0")/lib.sh"
start_jobd
for n in 1 2 3 4; do
	jobctl add -q -n "m$n" --mutex db --sh "mkdir $T/lock || echo two >>$T/wrong
		echo $n >>$T/order; while [ ! -e $T/go ]; do sleep 0.02; done; rmdir $T/lock" >/dev/null
done
while [ ! -s "$T/order" ]; do :; done
jobctl why m2 | grep -q "waits for mutex db, held by 1.1" || fail "why: $(jobctl why m2)"
same "one runs" "$(jobctl list --json --state running | field jobs.#)" 1
kill_jobd
start_jobd
jobctl add -q -n free -- true >/dev/null
check "others go on" jobctl wait free
same "one runs after the crash" "$(wc -l <"$T/order")" 1
touch "$T/go"
check "all run" jobctl wait m1 m2 m3 m4
[ ! -e "$T/wrong" ] || fail "two at a time"
same "in their order" "$(tr '\n' ' ' <"$T/order")" "1 2 3 4 "
stop_jobd
