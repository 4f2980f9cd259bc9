#!/bin/sh
# When a parent has ended otherwise, those that wait for it are finished, down the chain, and say why; when it is run
# again and ends well, they run after all. A parent that is removed is gone for good.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n parent --sh "[ -e $T/well ]" --in 24h >/dev/null
jobctl add -q -n child --after parent --sh "echo child >>$T/ran" >/dev/null
jobctl add -q -n grandchild --after child:any --sh "echo grandchild >>$T/ran" >/dev/null
jobctl add -q -n paused --paused --after child --sh "echo paused >>$T/ran" >/dev/null
state() { jobctl show "$1" --json | field job.state; }
jobctl add -q -n soon --sh "[ -e $T/well ]" >/dev/null
jobctl wait soon
jobctl add -n late --after soon -- true >"$T/out" 2>&1
grep -q "note: job 6 is finished already" "$T/out" || fail "it is not told that it waits in vain: $(cat "$T/out")"
jobctl add -q -n later --after late --sh "echo later >>$T/ran" >/dev/null 2>&1
same "in vain" "$(state late) $(state later)" "finished finished"
same "why" "$(jobctl show late --json | field job.waitsFor)" \
	"5 (soon) failed; retry it, and this job waits for it again"
jobctl list | grep -q "late.*finished.*5 (soon) failed" || fail "list does not say why: $(jobctl list)"
jobctl why late | grep -q "finished: 5 (soon) failed" || fail "why does not say why: $(jobctl why late)"
jobctl status late | grep -q "5 (soon) failed; retry it" || fail "status does not say why: $(jobctl status late)"
jobctl wait late >/dev/null 2>&1
same "it was not run" $? 1
jobctl add -q --after late --wait -- true >/dev/null 2>&1
same "nor what waits for it" $? 1
touch "$T/well"
jobctl trigger -q soon >"$T/out"
check "soon" jobctl wait "$(cat "$T/out")"
check "late" jobctl wait late
check "later" jobctl wait later
same "it ran once" "$(grep -c later "$T/ran")" 1

# A blocked job that is triggered runs at once, and still waits.
jobctl trigger -q child >"$T/out"
check "by hand" jobctl wait "$(cat "$T/out")"
check "and its child" jobctl wait grandchild
same "still blocked" "$(state child)" blocked
# Paused, it is let go on, and runs when it is resumed.
same "paused" "$(state paused) $(grep -c paused "$T/ran")" "paused 0"
jobctl resume paused >/dev/null
check "resumed" jobctl wait paused
same "ran" "$(grep -c paused "$T/ran")" 1

# Removed.
jobctl rm parent >"$T/out" 2>&1
grep -q "note: 1 job waited for what is removed" "$T/out" || fail "rm does not say who waited: $(cat "$T/out")"
same "finished" "$(state child) $(state grandchild)" "finished finished"
jobctl status child | grep -q "1 (parent) was removed" || fail "status does not say that it was removed"
same "a child may go" "$(jobctl rm grandchild)" "removed 1 job"
same "dependents" "$(jobctl show child --json | field job.dependents)" 1
jobctl audit || fail "audit finds gaps"
stop_jobd
