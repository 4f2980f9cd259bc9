#!/bin/sh
# Checks by hostname: success, a status that was not expected, a redirect followed, nobody listening, a timeout.
. "$(dirname "$0")/lib.sh"
start_jobd
serve slow-server
u=http://localhost:$port

run_check() {	# name, wanted exit code, options
	name=$1 code=$2
	shift 2
	jobctl add -q -n "$name" --wait "$@" >/dev/null 2>&1
	same "exit code of $name" $? "$code"
}
last() { jobctl show "$1" --json | field "job.lastRun.$2"; }

run_check good 0 --http "$u/0.1"
same "status" "$(last good httpStatus)" 200
same "verdict" "$(last good verdict)" up
[ "$(last good phases.totalUSec)" -ge 100000 ] || fail "the total is shorter than the server's delay"
run_check wrong 1 --http "$u/status/503"
same "status" "$(last wrong httpStatus)" 503
last wrong reason | grep -q 503 || fail "the reason does not name the status"
run_check expected 0 --http "$u/status/503" --expect 500-599
run_check redirected 0 --http "$u/redirect/redirect/0.1"
same "status after redirects" "$(last redirected httpStatus)" 200
run_check not-followed 0 --http "$u/redirect/x" --no-redirect --expect 302
same "redirects told" "$(last redirected redirects.0)" "302 $u/redirect/0.1"
# What was expected and what was there, and the answer itself.
run_check sick 1 --http "$u/0" --body-match '^well$' --expect-size 1000..
last sick reason | grep -q 'the body does not match /^well$/: it is "' || fail "the reason is: $(last sick reason)"
last sick reason | grep -q 'expected 1000..' || fail "the reason is: $(last sick reason)"
"$BIN/jobctl" show "$(last sick job).1" | grep -q '^answer' || fail "show does not have the answer"
run_check slow 1 --http "$u/0.1" --expect-time 'total<50ms'
same "slow alone is degraded" "$(last slow verdict)" degraded
jobctl add -q --http "$u/0" --body-match '(' 2>"$T/err" && fail "a bad pattern was taken"
grep -q -- '--body-match.*is not a pattern' "$T/err" || fail "it says: $(cat "$T/err")"
run_check late 124 --http "$u/60" --timeout 200ms
same "state" "$(last late state)" timed_out
run_check refused 1 --http http://localhost:1/
last refused reason | grep -qi refused || fail "the reason is: $(last refused reason)"
stop_jobd
