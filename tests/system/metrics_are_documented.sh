#!/bin/sh
# stats --prometheus: well formed, every metric is in docs/metrics.md with its type and words, and the other way round.
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
start_jobd
jobctl add -q -n 'se"cret' --wait --timer 1ms >/dev/null 2>&1
jobctl add -q -n secret --wait --sh 'echo very-secret-word' >/dev/null || fail "add"
# When retention went round last is told once it has.
until jobctl stats --prometheus | grep -q '^jobd_retention_time_seconds '; do sleep 0.02; done
jobctl stats --prometheus >"$T/metrics" || fail "stats --prometheus"
awk '/^# HELP/ { h = $0; sub(/^# HELP [^ ]* /, "", h); name = $3 }
	/^# TYPE/ { if ($3 != name) exit 1; printf "| `%s` | %s | %s |\n", $3, $4, h }' "$T/metrics" | sort >"$T/printed"
grep '^| `' "$root/docs/metrics.md" | sort >"$T/documented"
check "there are some" test "$(wc -l <"$T/printed")" -gt 30
diff -u "$T/documented" "$T/printed" || fail "docs/metrics.md and what is printed differ"
# name{label="value"} number, each under the TYPE of its name
awk '/^# TYPE/ { type = $4; name = $3; next } /^#/ { next }
	{
		line = $0; n = $1; sub(/[{].*/, "", n)
		if (type == "summary") sub(/_(sum|count)$/, "", n)
		if (n != name || line !~ /^[a-z_]+([{][a-z]+="[^"]*"[}])? -?[0-9.e+-]+$/) { print "bad: " line; bad = 1 }
		if (type == "counter" && n !~ /_total$/) { print "no _total: " n; bad = 1 }
		if (type != "counter" && n ~ /_(total|sum|count|bucket)$/) { print "no counter: " n; bad = 1 }
		if (n ~ /(usec|msec|millis|micros|minutes|hours|kib|mib|percent)/) { print "no base unit: " n; bad = 1 }
		if (n != last && seen[n]++) { print "not together: " n; bad = 1 }
		last = n
	} END { exit bad }' "$T/metrics" || fail "not well formed"
# The judge of Prometheus, where it is installed, has nothing to add.
if command -v promtool >/dev/null; then
	promtool check metrics <"$T/metrics" >"$T/judged" 2>&1 || fail "promtool: $(cat "$T/judged")"
	same "promtool" "$(cat "$T/judged")" ""
fi
! grep -q secret "$T/metrics" || fail "a job's name or command is told"
same "a command has run" "$(awk '$1 == "jobd_runs_succeeded_total" { print ($2 >= 1) }' "$T/metrics")" 1
! jobctl stats --prometheus --json >/dev/null 2>&1 || fail "two formats at once"
stop_jobd
