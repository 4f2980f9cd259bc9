#!/bin/sh
# events: what has happened, as far as jobd remembers it; it says when that is less than was asked for; with -f it goes
# on, also with a jobd that was started anew.
. "$(dirname "$0")/lib.sh"
printf '[limits]\nevents_bytes = 4K\n' >"$T/conf"
start_jobd --config "$T/conf"
id=$(jobctl add -q -n first --timer 1ms)
jobctl wait first --timeout 60s >/dev/null || fail "first"
jobctl add -q -n other --in 1h -- true >/dev/null
same "in order" "$(jobctl events first | cut -f 2,3,4 | tr '\t\n' '  ')" \
	"job_added $id first run_started $id.1 first run_ended $id.1 first "
same "all" "$(jobctl events 2>"$T/said" | wc -l)" 4
same "nothing is to be said" "$(cat "$T/said")" ""
same "of what is to come there is none" "$(jobctl events --since 2199-01-01)" ""
check "JSON has the same" test "$(jobctl events --json | grep -c '"event"')" = 4
check "it began later" jobctl events --since 2d >/dev/null 2>"$T/said"
check "it says so" grep -q "jobd began at .*, and knows no events of before" "$T/said"
jobctl events --since yesteryear 2>"$T/said"
same "a usage error" $? 2
check "in words" grep -q "neither a time" "$T/said"
jobctl events nobody 2>/dev/null
same "a job that is not there" $? 3

i=0
while [ $i -lt 100 ]; do i=$((i + 1)); jobctl pause other >/dev/null; jobctl resume other >/dev/null; done
kept=$(jobctl events --since 1d 2>"$T/said" | wc -l)
check "the ring has a limit" test "$kept" -gt 20 -a "$kept" -lt 100
check "what is gone is told" grep -q "the events up to .* are gone: .* dropped $((204 - kept))" "$T/said"

mkfifo "$T/events"
"$BIN/jobctl" events -f other --since 1d >"$T/events" 2>"$T/said" &
follow=$!
exec 3<"$T/events"
next() { read -r line <&3 || fail "events ended: $(cat "$T/said")"; }
i=0
while [ $i -lt "$kept" ]; do i=$((i + 1)); next; done
jobctl pause other >/dev/null
next
check "it goes on with what happens" test "$(echo "$line" | cut -f 5)" = paused
kill_jobd
start_jobd --config "$T/conf"
jobctl resume other >/dev/null
next
same "and with what a new jobd does" "$(echo "$line" | cut -f 2,5)" "$(printf 'job_changed\tscheduled')"
kill $follow
stop_jobd
