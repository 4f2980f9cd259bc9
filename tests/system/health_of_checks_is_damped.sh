#!/bin/sh
# The health of a check changes after as many checks as was asked, over a kill of the daemon; a check that depends on
# one that is down is unreachable; and list, status, why and watch tell it. The runs are by hand: no schedule races.
. "$(dirname "$0")/lib.sh"
start_jobd
serve slow-server
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
jobctl status router | grep -q 'not known yet, the last 1 check that counts failed (down after 2)' ||
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
jobctl status web | grep -q '^It depends on check 1' || fail "status says: $(jobctl status web)"
jobctl why web | grep -q 'its health is unreachable; it depends on 1 (router)' || fail "why says: $(jobctl why web)"
jobctl why router | grep -q 'its health is down: the last 2 checks that count failed' ||
	fail "why says: $(jobctl why router)"

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
