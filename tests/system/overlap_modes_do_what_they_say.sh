#!/bin/sh
# What becomes of occurrences while a run is active: they wait, they run beside it, or they take its place.
. "$(dirname "$0")/lib.sh"
start_jobd
until_field() {	# job, field, at least
	while [ "$(jobctl show "$1" --json | field "$2")" -lt "$3" ]; do :; done
}
jobctl add -q -n waits --every 100ms --overlap queue:2 --timer 1h >/dev/null
until_field waits job.skips 3
same "one runs and two wait" "$(jobctl runs waits --json | field runs.#)" 3
same "the last one waits" "$(jobctl runs waits --json | field runs.0.state)" queued
jobctl why 1.3 | grep -q "waits as 1.3 for the end of 1.1" || fail "why: $(jobctl why 1.3)"
check "cancel the first" jobctl cancel 1.1
check "the next begins" jobctl wait 1.2 --until started
jobctl add -q -n beside --every 100ms --overlap parallel:3 --timer 1h >/dev/null
until_field beside job.skips 3
same "three run" "$(jobctl runs beside --json --state running | field runs.#)" 3
check "cancel the one in the middle" jobctl cancel 2.2
jobctl wait 2.2 --timeout 30s
[ $? != 7 ] || fail "2.2 goes on"
same "its neighbours run" "$(jobctl show 2.1 --json | field state)" running
jobctl add -q -n replaces --every 100ms --overlap replace --sh 'sleep 3600' >/dev/null
jobctl wait 3.1 --timeout 30s
[ $? != 7 ] || fail "3.1 goes on"
same "who ended the first" "$(jobctl show 3.1 --json | field canceledBy)" "run 3.2, which replaces it"
check "status says who" sh -c "'$BIN/jobctl' status 3.1 | grep -q '^Run 3.1 canceled .*, by run 3.2, which replaces it'"
jobctl status replaces >"$T/out"
grep -q '^TIME' "$T/out" && fail "a table of times without a row"
same "nothing was skipped" "$(jobctl show replaces --json | field job.skips)" 0
for job in waits beside replaces; do
	check "pause" jobctl pause -q $job
	jobctl audit $job >"$T/audit" || fail "audit of $job: $(cat "$T/audit")"
	check "rm" jobctl rm -q --cancel $job
done
jobctl add --overlap sometimes -- true 2>"$T/err"
same "a mode that is none" $? 2
grep -q -- "--overlap" "$T/err" || fail "it says: $(cat "$T/err")"
jobctl add --overlap queue:0 -- true 2>"$T/err"
same "nobody may wait" $? 2
stop_jobd
