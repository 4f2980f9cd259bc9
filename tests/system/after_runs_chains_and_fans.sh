#!/bin/sh
# --after: a chain runs in its order, a fan all at once, a join when the last has ended; a fail branch only after
# a failure; and what repeats lets its children go on each time.
. "$(dirname "$0")/lib.sh"
start_jobd
say() { echo "echo $1 >>$T/ran"; }
jobctl add -q -n start --in 24h --sh "$(say start)" >/dev/null
jobctl add -q -n two --after start --sh "$(say two)" >/dev/null
jobctl add -q -n three --after two:ok --sh "$(say three)" >/dev/null
i=0
while [ $i -lt 50 ]; do
	jobctl add -q -n "fan$i" --after three --sh "$(say fan)" >/dev/null || fail "fan$i is refused"
	i=$((i + 1))
done
jobctl add -q -n join --after fan0 --after fan25:any --after fan49 --sh "$(say join)" >/dev/null
jobctl add -q -n alarm --after join:fail --after three --sh "$(say alarm)" >/dev/null
same "state" "$(jobctl show two --json | field job.state)" blocked
same "for whom" "$(jobctl show two --json | field job.waitsFor)" "waits for 1 (start) to succeed"
same "blocked ones" "$(jobctl list --state blocked --json | field jobs.#)" 54
jobctl status join | grep -q "It waits for 4 (fan0) to succeed, for 29 (fan25) to end, and for 53 (fan49) to succeed." ||
	fail "status does not say for whom: $(jobctl status join)"
jobctl why two | grep -q "blocked: it waits for 1 (start) to succeed" || fail "why does not say for whom"
jobctl trigger start >/dev/null
check "the join" jobctl wait join
i=0
while [ $i -lt 50 ]; do
	check "fan$i" jobctl wait "fan$i"
	i=$((i + 1))
done
same "the chain's order" "$(head -n 3 "$T/ran" | tr '\n' ' ')" "start two three "
same "the fan" "$(grep -c fan "$T/ran")" 50
same "the join" "$(grep -c join "$T/ran")" 1
# join repeats, as its parents do through start: it may fail yet.
same "nobody has failed" "$(grep -c alarm "$T/ran") $(jobctl show alarm --json | field job.state)" "0 blocked"
tab=$(printf '\t')
jobctl show join | grep -q "^29${tab}fan25${tab}blocked${tab}any${tab}not yet${tab}succeeded\$" ||
	fail "show does not list parents: $(jobctl show join)"
jobctl show three | grep -q "^4${tab}fan0${tab}" || fail "show does not list children: $(jobctl show three)"

# A repeating parent; a failing one; the condition any.
jobctl add -q -n tick --every 100ms -- false >/dev/null
jobctl add -q -n onfail --after tick:fail -- true >/dev/null
jobctl add -q -n onany --after tick:any -- true >/dev/null
jobctl add -q -n onok --after tick -- true >/dev/null
for job in onfail onany; do
	id=$(jobctl show $job --json | field job.id)
	n=1
	while [ $n -le 2 ]; do
		until jobctl wait "$id.$n" 2>/dev/null; do jobctl wait "$job" 2>/dev/null; done
		n=$((n + 1))
	done
done
same "never for success" "$(jobctl show onok --json | field job.runs)" 0
jobctl simulate --to +1s 2>&1 | grep -q "what jobs would do that wait for others" ||
	fail "simulate does not say what it leaves out"
check "rm" jobctl rm --cancel tick

# A delay after the parent, and --wait.
jobctl add -q -n first -- true >/dev/null
check "added after its end, and waited for" jobctl add -q --after first --in 10ms --wait -- true
jobctl add -q -n bad -- sh -c 'exit 3' >/dev/null
jobctl wait bad
same "its code" $? 3
jobctl add --after bad:fail -q --wait -- sh -c 'exit 4' >/dev/null
same "the code of the child" $? 4
# A pattern after a colon is a name, unless it is one of the three words.
jobctl add -q -n 'a:b' -- true >/dev/null
check "a name with a colon" jobctl add -q --after 'a:b' --wait -- true
check "a name with a colon, and a condition" jobctl add -q --after 'a:b:any' --wait -- true
jobctl audit || fail "audit finds gaps"
stop_jobd
