#!/bin/sh
# What is beyond the limits goes: output first, then runs, then finished jobs; a changed configuration applies to what is
# stored; nothing else goes, and audit, logs, why and backfill say that something is gone instead of guessing.
. "$(dirname "$0")/lib.sh"

# Waits without a clock: the runner answers one call after another, and gc asks it after its own answer.
until_gone() {
	tries=0
	while [ -e "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 3000 ] || fail "$1 stays"
		jobctl stats >/dev/null
	done
}

start_jobd
jobctl add -q -n chatty --at 2100-01-01T00:00Z -- sh -c 'head -c 1000 /dev/zero | tr "\0" x' >/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
	jobctl wait "$(jobctl trigger -q chatty)" >/dev/null || fail "run $i"
done
jobctl add -q -n own --keep 2 --at 2100-01-01T00:00Z true >/dev/null
for i in 1 2 3 4; do
	jobctl wait "$(jobctl trigger -q own)" >/dev/null || fail "run $i"
done
jobctl add -q -n tick --every 100ms --keep 5 --timer 0s >/dev/null
tries=0
while [ "$(jobctl show tick --json | field job.runs)" -lt 12 ]; do
	tries=$((tries + 1))
	[ $tries -lt 3000 ] || fail "tick does not tick"
done
jobctl pause tick >/dev/null
jobctl add -q -n brief --keep all,1us true >/dev/null
jobctl wait brief >/dev/null
jobctl add -q -n stays true >/dev/null
jobctl wait stays >/dev/null
check "output is there" [ -e "$T/state/runner/output/1/1.1.log" ]
same "output is counted" "$(jobctl stats --json | field outputBytes)" 10000

# By each job's own limits: nothing of chatty goes.
dry=$(jobctl gc --dry-run)
same "a dry run changes nothing" "$(jobctl gc --dry-run)" "$dry"
case $dry in "Would give up 1 job, "*" runs and the output of 0 more: 0 B of output.") ;; *) fail "got '$dry'" ;; esac
out=$(jobctl gc)
same "what was foretold" "$out" "Gave up ${dry#Would give up }"
retention=$(jobctl stats --json | field retentionAt)
[ -n "$retention" ] || fail "the round has no time"
same "it counts" "$(jobctl stats --json | field jobsGivenUp) job, $(jobctl stats --json | field runsGivenUp) runs" \
	"$(echo "$out" | sed 's/^Gave up \(1 job, [0-9]* runs\).*/\1/')"
same "again" "$(jobctl gc)" "Nothing went: all is within its limits."
same "own" "$(jobctl runs own --no-headers | wc -l)" 2
same "chatty" "$(jobctl runs chatty --no-headers | wc -l)" 10
jobctl show brief >/dev/null 2>&1
same "brief is gone" $? 3
check "stays" jobctl show stays >/dev/null

# The ledger says how far back it goes.
out=$(jobctl audit tick) || fail "audit finds: $out"
case $out in *"no gaps"*"gone by retention"*) ;; *) fail "got '$out'" ;; esac
first=$(jobctl show tick --json | field job.createdAt)
out=$(jobctl why tick --at "$first" 2>&1)
case $out in *"retention has given up"*) ;; *) fail "why: '$out'" ;; esac
out=$(jobctl backfill tick --from "$first" 2>&1)
same "backfill refuses" $? 2
case $out in *"--from"*"must be after"*"retention has given up"*) ;; *) fail "backfill: '$out'" ;; esac

# A changed configuration applies to what is stored, at the next start.
stop_jobd
cat >"$T/conf" <<END
[retention]
output_total = 4000
END
start_jobd --config "$T/conf"
tries=0
while [ "$(jobctl stats --json | field outputBytes)" -gt 4000 ]; do
	tries=$((tries + 1))
	[ $tries -lt 3000 ] || fail "no round comes at the start"
done
until_gone "$T/state/runner/output/1/6.1.log"
check "the youngest output is kept" [ -e "$T/state/runner/output/1/7.1.log" ]
same "no run goes" "$(jobctl runs chatty --no-headers | wc -l)" 10
out=$(jobctl logs 1.1 2>&1)
case $out in *"the output of 1.1 was given up by retention on "*) ;; *) fail "logs: '$out'" ;; esac
check "it is told" [ -n "$(jobctl logs 1.1 --json 2>/dev/null | field run.outputRemovedAt)" ]
same "later output" "$(jobctl logs 1.7 | wc -c)" 1000

# A removed job's output goes, even when the runner was not there.
jobctl rm chatty >/dev/null
until_gone "$T/state/runner/output/1"
same "none is left" "$(jobctl stats --json | field outputBytes)" 0
stop_jobd
