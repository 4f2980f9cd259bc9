#!/bin/sh
# audit is clean after runs, skips, a pause and a crash, says so and exits with 0; with a hole in the ledger it shows it
# and exits with 1.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n tick --every 100ms --timer 0s >/dev/null
jobctl add -q -n long --every 100ms --timer 350ms >/dev/null
jobctl add -q -n once true >/dev/null
jobctl wait once tick long >/dev/null
jobctl pause tick >/dev/null
# Asked again until it has been skipped for overlap, and so long tick is paused.
tries=0
while [ "$(jobctl show long --json | field job.skips)" -lt 4 ]; do
	tries=$((tries + 1))
	[ $tries -lt 2000 ] || fail "nothing is skipped"
done
jobctl resume tick >/dev/null
kill_jobd
start_jobd
jobctl wait tick >/dev/null
out=$(jobctl audit) || fail "audit finds: $out"
case $out in "3 jobs, "*" occurrences: "*" run, "*" skipped; no gaps") ;; *) fail "got '$out'" ;; esac
same "one job" "$(jobctl audit once)" "1 job, 1 occurrence: 1 run, 0 skipped; no gaps"
same "json" "$(jobctl audit once --json | field occurrences)" 1
same "a range" "$(jobctl audit once --to 2001-01-01T00:00Z)" "1 job, 0 occurrences: 0 run, 0 skipped; no gaps"
jobctl audit nobody 2>/dev/null
same "nobody" $? 3
jobctl audit --from 2002-01-01T00:00Z --to 2001-01-01T00:00Z 2>/dev/null
same "no range" $? 2
jobctl pause '*' >/dev/null
stop_jobd
command -v sqlite3 >/dev/null || { echo "SKIP: no sqlite3 to make a hole with"; exit 0; }
sqlite3 "$T/state/jobd.db" "DELETE FROM run WHERE job = 1 AND run = 1"
start_jobd
out=$(jobctl audit tick)
same "a hole" $? 1
case $out in *"	missing	"*"1 GAP"*) ;; *) fail "got '$out'" ;; esac
stop_jobd
