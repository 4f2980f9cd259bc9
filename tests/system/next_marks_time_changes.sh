#!/bin/sh
# next shows the dates that a time change affects, by the schedule's own clock; add warns of them; a job's zone stays with it.
. "$(dirname "$0")/lib.sh"
start_jobd
out=$(jobctl next --cron '30 2 * * *' --tz Europe/Berlin --from 2027-03-27T12:00:00Z -n 3 --json)
same "gap" "$(echo "$out" | field occurrences.0.due)" 2027-03-28T01:00:00.000000Z
same "by the zone's clock" "$(echo "$out" | field occurrences.0.local)" 2027-03-28T03:00:00+02:00
same "marked" "$(echo "$out" | field occurrences.0.mark)" dst_gap
same "the day after" "$(echo "$out" | field occurrences.1.local)" 2027-03-29T02:30:00+02:00
same "zone" "$(echo "$out" | field timeZone)" Europe/Berlin
out=$(jobctl next --cron '30 2 * * *' --tz Europe/Berlin --dst skip --from 2027-03-27T12:00:00Z -n 1 --json)
same "skipped" "$(echo "$out" | field occurrences.0.cause)" nonexistent
out=$(jobctl next --calendar '*-*-* 01:30 America/New_York' --from 2026-11-01T04:00:00Z -n 2 --json)
same "first time" "$(echo "$out" | field occurrences.0.due)" 2026-11-01T05:30:00.000000Z
same "second time" "$(echo "$out" | field occurrences.1.cause)" repeated
same "a rhythm does not care" \
	"$(jobctl next --cron '*/30 * * * *' --tz America/New_York --from 2026-11-01T05:59:00Z -n 2 --json | field occurrences.1.due)" \
	2026-11-01T06:30:00.000000Z

jobctl add -q --cron '30 2 * * *' --tz Europe/Berlin -n night true >/dev/null 2>"$T/warned"
grep -q "does not exist" "$T/warned" || fail "add does not warn of the gap"
grep -q "comes twice" "$T/warned" || fail "add does not warn of the fold"
same "words" "$(jobctl show night --json | field job.schedule)" "cron 30 2 * * * Europe/Berlin"
check "next of a job" jobctl next night
jobctl next nobody >/dev/null 2>&1
same "no such job" $? 3
jobctl next >/dev/null 2>&1
same "of what" $? 2
stop_jobd
