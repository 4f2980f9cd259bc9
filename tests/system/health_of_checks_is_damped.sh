#!/bin/sh
# The health of a check changes after as many checks as was asked, over a kill of the daemon; a check that depends on
# one that is down is unreachable; and list, status, why and watch tell it. The runs are by hand: no schedule races.
. "$(dirname "$0")/lib.sh"
start_jobd
serve slow-server
server=$!
tab=$(printf '\t')
u=http://localhost:$port
health() { jobctl show "$1" --json | field job.health; }
verdict() { jobctl show "$1" --json | field job.lastRun.verdict; }
once() { jobctl trigger -q "$1" >/dev/null 2>&1; jobctl wait "$1" >/dev/null 2>&1; }

# Due in an hour, so that no occurrence of its own comes between.
jobctl add -q --in 1h --every 1h -n router --http "$u/status/503" --fail-after 2 --quick-retries 0 >/dev/null ||
	fail "router is not added"
jobctl add -q --in 1h --every 1h -n web --http "$u/status/500" --depends-on router --quick-retries 0 >/dev/null ||
	fail "web is not added"
once router
same "health after one failure" "$(health router)" ""
jobctl status router | grep -q 'not known yet: the last check that counts was down (down after 2)' ||
	fail "status says: $(jobctl status router)"
once web
same "verdict while the router is not sure" "$(verdict web)" unreachable
kill_jobd
start_jobd
once router
same "health after two failures" "$(health router)" down
once web
same "verdict of what depends on it" "$(verdict web)" unreachable
same "health of what depends on it" "$(health web)" unreachable
jobctl show 2.2 | grep -q '^reason.*depends on, 1 (router), is down' || fail "show says: $(jobctl show 2.2)"
jobctl list | grep -q 'down: HTTP 503' || fail "list says: $(jobctl list)"
jobctl status web >"$T/out"
grep -q '^Its health is unreachable, since' "$T/out" || fail "status says: $(cat "$T/out")"
grep -q '^It depends on check 1 (router), whose health is down, since' "$T/out" || fail "status says: $(cat "$T/out")"
grep -q '^Run 2.2 found it unreachable .*: .*status 500.*depends on, 1 (router), is down' "$T/out" ||
	fail "status says: $(cat "$T/out")"
grep -q '^Of the last 2 checks, since .*, 0 were up; 2 were inconclusive or unreachable and do not count\.$' "$T/out" ||
	fail "status says: $(cat "$T/out")"
grep -q 'failed' "$T/out" && fail "status says: $(cat "$T/out")"
jobctl why web | grep -q 'its health is unreachable; it depends on 1 (router)' || fail "why says: $(jobctl why web)"
jobctl why router | grep -q 'its health is down: the last 2 checks that count were down' ||
	fail "why says: $(jobctl why router)"

# An answer that is slow is one, and is told as such; and while the next is waited for, so is the last one.
jobctl add -q --in 1h --every 1h -n slow --http "$u/0" --expect-time 'total<1us' >/dev/null || fail "slow is not added"
once slow
once slow
jobctl status slow >"$T/out"
grep -q '^Its health is degraded, since .*: the last 2 checks that count were not down\.$' "$T/out" ||
	fail "status says: $(cat "$T/out")"
grep -q '^Run 3.2 found it degraded .*: total took .*, expected less than 1us\.$' "$T/out" ||
	fail "status says: $(cat "$T/out")"
grep -q '^Of the last 2 checks, since .*, 0 were up (0.0 %) and 2 degraded\.$' "$T/out" ||
	fail "status says: $(cat "$T/out")"
grep -q 'failed' "$T/out" && fail "status says: $(cat "$T/out")"
jobctl stats slow >"$T/out"
for row in took queue dns connect wait; do
	grep -q "^$row$tab" "$T/out" || fail "stats has no $row: $(cat "$T/out")"
done
same "percentiles" "$(jobctl stats slow --json | field times.0.name)" took
jobctl add -q --in 1h -n later true >/dev/null
same "numbers of what has not run" "$(jobctl stats later)" "None of its runs is over."
jobctl rm -q later >/dev/null
jobctl stats nobody 2>"$T/err" && fail "there are numbers of nobody"
jobctl stats slow --prometheus 2>"$T/err" && fail "metrics of a job"
jobctl add -q --in 1h --every 1h -n waits --http "$u/60" --timeout 50ms --quick-retries 0 >/dev/null
once waits
jobctl status waits | grep -q '^Run [0-9]*.1 found it down (timed out)' || fail "status says: $(jobctl status waits)"

kill -STOP "$server"
jobctl trigger -q slow >/dev/null
until jobctl status slow >"$T/out" && grep -q '^Run 3.3 is running' "$T/out"; do :; done
grep -q '^Run 3.2 found it degraded' "$T/out" || fail "status says: $(cat "$T/out")"
kill -CONT "$server"
jobctl wait slow >/dev/null 2>&1

# Nobody looks after a parent that is paused: then the check stands for itself.
jobctl pause router >/dev/null
once web
same "verdict while the router is paused" "$(verdict web)" down

# What is wrong is told with the option.
jobctl add --every 1h --http "$u/" --depends-on nobody 2>"$T/err" && fail "a check depends on nobody"
grep -q -- '--depends-on.*there is no job nobody' "$T/err" || fail "it says: $(cat "$T/err")"
jobctl add -q --paused -n plain --in 1h true >/dev/null
jobctl add --every 1h --http "$u/" --depends-on plain 2>"$T/err" && fail "a check depends on a command"
grep -q -- '--depends-on.*plain is no check' "$T/err" || fail "it says: $(cat "$T/err")"
jobctl add --every 1h --http "$u/" --fail-after 5000 2>"$T/err" && fail "5000 is taken"
grep -q -- '--fail-after' "$T/err" || fail "it says: $(cat "$T/err")"
exec 9>&-
stop_jobd
