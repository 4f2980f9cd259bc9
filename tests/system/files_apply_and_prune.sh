#!/bin/sh
# apply adds, changes and removes, and touches nothing that is the same.
. "$(dirname "$0")/lib.sh"
D=$T/jobs
mkdir "$D"
job() {
	printf '[Schedule]\n%s\n\n[Command]\nShell=exec cat\n' "$2" >"$D/$1.job"
}
start_jobd
job a Every=1h
job b 'Cron=0 3 * * *'
jobctl add -q -n byhand --in 1h -- /bin/true >/dev/null
jobctl apply -f "$D" >"$T/out" || fail "apply"
check "both are new" [ "$(grep -c '^added' "$T/out")" = 2 ]
jobctl wait a --until started >/dev/null
jobctl show a --json >"$T/before"

# Another schedule for b; a is as it was, timers, runs and generation.
job b 'Cron=0 4 * * *'
jobctl diff -f "$D" >"$T/out"
same "diff finds something" $? 1
check "the old line" grep -q -- '- Cron=0 3' "$T/out"
check "the new line" grep -q -- '+ Cron=0 4' "$T/out"
same "a dry run does nothing" "$(jobctl apply -f "$D" --dry-run >/dev/null; jobctl show b --json | field job.generation)" 1
jobctl apply -f "$D" --dry-run --impact 7d >"$T/out" || fail "impact"
check "the coming week" grep -q 'as simulated' "$T/out"
# Two that wait for the one slot: of all jobs the longest wait is told, not the sum.
mkdir "$T/waits"
for n in first second third; do
	printf '[Job]\nQueue=narrow\nPaused=yes\n\n[Schedule]\nCron=0 5 * * *\n\n[Timer]\nDuration=1m\n' >"$T/waits/$n.job"
done
jobctl apply -f "$T/waits" >/dev/null || fail "three in a queue"
for n in first second third; do
	sed -i '/^Paused/d' "$T/waits/$n.job"
done
jobctl apply -f "$T/waits" --dry-run --impact 1d >"$T/out" || fail "impact of three"
same "the longest wait of all jobs" "$(sed -n 's/^all jobs.*-> //p' "$T/out")" 2m
jobctl rm first second third >/dev/null
jobctl apply -f "$D" >"$T/out"
check "b is changed" grep -q '^changed  b ' "$T/out"
check "a is not" grep -q '^1 job unchanged' "$T/out"
same "b has a generation" "$(jobctl show b --json | field job.generation)" 2
same "a has its old one" "$(jobctl show a --json | field job.generation)" 1
same "a has its due" "$(jobctl show a --json | field job.nextDue)" "$(field job.nextDue <"$T/before")"
check "b is due by the new one" [ "$(jobctl show b --json | field job.nextDue | cut -c12-16)" = 04:00 ]
jobctl diff -f "$D" || fail "there is nothing to do"
jobctl audit >/dev/null || fail "the audit"

# What is in no file any more goes with --prune, and only that.
rm "$D/b.job"
jobctl apply -f "$D" >/dev/null
check "b stays without --prune" jobctl show b >/dev/null
jobctl apply -f "$D" --prune >"$T/out" || fail "prune"
check "b goes" grep -q '^removed  b ' "$T/out"
check "what was added by hand stays" jobctl show byhand >/dev/null

# Other files do not take a job, nor remove one.
mkdir "$T/other"
cp "$D/a.job" "$T/other/a.job"
jobctl apply -f "$T/other" 2>"$T/err"
same "a is of the first files" $? 6
check "says so" grep -q 'a is from .*/jobs' "$T/err"
mv "$T/other/a.job" "$T/other/c.job"
jobctl apply -f "$T/other" --prune >"$T/out" || fail "the other files"
jobctl wait c --until started >/dev/null && jobctl wait c >/dev/null
check "a is still there" jobctl show a >/dev/null
mv "$T/other/c.job" "$T/other/a.job"
jobctl apply -f "$T/other" --prune --take >"$T/out" || fail "take"
same "a is theirs" "$(jobctl show a --json | field job.source)" "$(realpath "$T/other")"

# A pause by hand outlives an apply.
jobctl pause a >/dev/null
printf '[Job]\nRetries=2\n' >>"$T/other/a.job"
jobctl apply -f "$T/other" >/dev/null || fail "apply to a paused one"
jobctl cancel a >/dev/null 2>&1
same "a is paused" "$(jobctl list a --json | field jobs.0.state 2>/dev/null || jobctl show a --json | field job.state)" paused
stop_jobd
