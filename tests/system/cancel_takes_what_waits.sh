#!/bin/sh
# What waits for a slot is canceled like what runs: it gets a run that says so, and never begins. What has piled up of a job
# that repeats is one run and skips; its next occurrence comes. What runs is ended after what waits, so nothing slips in.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl queue add narrow --slots 1 >/dev/null
jobctl add -q -n holds --queue narrow -- sleep 1000 >/dev/null
jobctl wait holds --until started >/dev/null
for n in 1 2 3; do jobctl add -q -n "waits$n" --queue narrow --sh "echo >>$T/ran" >/dev/null; done
jobctl add -q -n beats --queue narrow --every 1h --at 2026-01-01T00:00Z --sh "echo >>$T/ran" >/dev/null

jobctl status waits1 >"$T/status"
grep -q "is queued" "$T/status" || fail "status says: $(cat "$T/status")"
grep -q "waits for its turn: jobctl why 2 " "$T/status" || fail "status says: $(cat "$T/status")"
same "one that waits" "$(jobctl cancel waits1)" "canceling 2.1"
same "its run" "$(jobctl show waits1 --json | field job.lastRun.state)" canceled
same "its job" "$(jobctl show waits1 --json | field job.state)" finished
jobctl wait waits1 2>/dev/null
same "who waits for it is told" $? 130
same "twice" "$(jobctl cancel waits1 2>&1)" "jobctl: nothing was active"

same "one that repeats" "$(jobctl cancel beats)" "canceling 5.1"
same "it is not due any more" "$(jobctl show beats --json | field job.state)" scheduled

same "all" "$(jobctl cancel --all | sort | paste -sd ' ')" "canceling 1.1 canceling 3.1 canceling 4.1"
jobctl wait holds >/dev/null 2>&1
for n in 2 3; do same "waits$n" "$(jobctl show "waits$n" --json | field job.lastRun.state)" canceled; done
[ ! -e "$T/ran" ] || fail "what was canceled ran"
same "the ledger" "$(jobctl audit | grep -c "no gaps")" 1
same "nothing is queued" "$(jobctl stats --json | field queued)" 0
stop_jobd
