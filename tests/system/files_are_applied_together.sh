#!/bin/sh
# What files say of many jobs is done in one transaction: all that is new or changed, or nothing; and what is wrong with any
# of them is told before anything is done.
. "$(dirname "$0")/lib.sh"
D=$T/jobs
mkdir "$D"
# job NAME [KEY=VALUE...]: of its schedule.
job() {
	name=$1
	shift
	{ printf '[Schedule]\n'; printf '%s\n' "$@"; printf '\n[Command]\nCommand=/bin/true\n'; } >"$D/$name.job"
}
generation() {
	jobctl show "$1" --json | field job.generation
}
absent() {
	! jobctl show "$1" >/dev/null 2>&1
}
start_jobd
job a 'Cron=0 3 * * *'
job b 'Cron=0 3 * * *'
job c 'Cron=0 3 * * *'
jobctl apply -f "$D" >/dev/null || fail "three jobs"

# Only the store knows that nobody is not there: it is asked before anything is done, of changes as of what is new.
job a 'Cron=0 4 * * *'
job b After=nobody
job c 'Cron=0 4 * * *'
job d 'Cron=0 4 * * *'
job e After=nothing
jobctl apply -f "$D" >"$T/out" 2>"$T/err"
same "refused" $? 2
same "all that is wrong, each with its place" "$(cat "$T/err")" "jobctl: $D/e.job:2: After: there is no job nothing
jobctl: $D/b.job:2: After: there is no job nobody"
check "nothing is said to be done" [ ! -s "$T/out" ]
same "a is as it was" "$(generation a)" 1
same "c is as it was" "$(generation c)" 1
check "d is not there" absent d
jobctl diff -f "$D" >/dev/null 2>"$T/err"
same "diff tells it, too" $? 2
check "of both" [ "$(wc -l <"$T/err")" = 2 ]

# What is there may wait for what is new, and the other way round; but in no circle.
job b After=e
job e After=b
jobctl apply -f "$D" >/dev/null 2>"$T/err"
same "a circle" $? 2
check "is told" grep -q 'b.job:2: After: makes a circle: e waits for this job' "$T/err"
check "nothing is there of it" absent e
job e 'Cron=0 5 * * *'
jobctl apply -f "$D" >"$T/out" || fail "apply"
same "two are new, three are changed" "$(cut -d ' ' -f 1 "$T/out" | sort | uniq -c | tr -s ' ' | tr '\n' ,)" " 2 added, 3 changed,"
same "b waits" "$(jobctl show b --json | field job.state)" blocked
same "again there is nothing to do" "$(jobctl apply -f "$D")" "5 jobs unchanged"

# jobd dies in the midst of it: before it was durable nothing is there, after it all. Then the same again completes it.
die_and_apply() {
	stop_jobd
	export JOBD_FAULT="$1:1"
	start_jobd
	unset JOBD_FAULT
	jobctl apply -f "$D" >"$T/out" 2>"$T/err"
	same "$1: it is not known" $? 5
	check "$1: what is known is said" grep -q 'all of it was done, or nothing: apply it again' "$T/err"
	check "$1: nothing is claimed" [ ! -s "$T/out" ]
	gone "$JOBD"
	start_jobd
}
job a 'Cron=0 6 * * *'
job f 'Cron=0 6 * * *'
die_and_apply edit-before-commit
same "before: a is as it was" "$(generation a)" 2
check "before: f is not there" absent f
jobctl apply -f "$D" >"$T/out" || fail "once more"
same "before: all of it is done by the next" "$(cut -d ' ' -f 1 "$T/out" | sort | tr '\n' ,)" "4,added,changed,"
job a 'Cron=0 7 * * *'
job g 'Cron=0 7 * * *'
die_and_apply edit-after-commit
same "after: a is changed" "$(generation a)" 4
check "after: g is there" jobctl show g >/dev/null
same "after: nothing is left to do" "$(jobctl apply -f "$D")" "7 jobs unchanged"

# What cannot be removed keeps none of the others, is told, and goes the next time.
jobctl add -q -n byhand -- /bin/true >/dev/null
printf '[Schedule]\nEvery=1d\n\n[Command]\nCommand=sleep 1000\n' >"$D/busy.job"
jobctl apply -f "$D" >/dev/null || fail "one that runs"
jobctl wait busy --until started >/dev/null
rm "$D/busy.job" "$D/g.job"
jobctl apply -f "$D" --prune --json >"$T/out" 2>"$T/err"
same "one stays" $? 6
check "which" grep -q 'busy stays: job [0-9]* has an active run' "$T/err"
check "and what to do" grep -q '1 job to be removed is still there: apply it again' "$T/err"
same "the other has gone" "$(field removed.0.name <"$T/out")" g
same "programs are told, too" "$(field kept.0.name <"$T/out")" busy
jobctl cancel busy >/dev/null && jobctl wait busy >/dev/null 2>&1
jobctl apply -f "$D" --prune >"$T/out" || fail "prune again"
check "now it has gone" grep -q '^removed  busy' "$T/out"

# More than one call takes is not begun.
mkdir "$T/many"
i=0
while [ $i -lt 1001 ]; do
	printf '[Job]\nPaused=yes\n[Timer]\nDuration=1s\n' >"$T/many/n$i.job"
	i=$((i + 1))
done
jobctl apply -f "$T/many" >/dev/null 2>"$T/err"
same "too many" $? 2
check "are told" grep -q '1001 jobs are new and 0 changed, and one apply takes at most 1000 of each' "$T/err"
check "none is there" absent n0
rm "$T/many/n0.job"
jobctl apply -f "$T/many" >"$T/out" || fail "a thousand"
same "a thousand at once" "$(grep -c '^added' "$T/out")" 1000
stop_jobd
