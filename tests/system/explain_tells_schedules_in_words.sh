#!/bin/sh
# explain tells a schedule in words, of a job or of nobody; what time changes do to it; and the next times.
. "$(dirname "$0")/lib.sh"
start_jobd
tab=$(printf '\t')
# What is said of one thing, in the columns that programs read.
said() { sed -n "s/^$1$tab//p" "$T/said"; }

jobctl explain --cron '30 2 * * MON-FRI' --tz Europe/Berlin --from 2027-03-26T12:00:00Z >"$T/said" || fail "explain"
same "when" "$(said when)" "at 02:30, on Monday to Friday, in Europe/Berlin"
same "no change meets it" "$(said 'time change')" "none within 400 days affects it"
same "three times" "$(grep -c '^2027-0' "$T/said")" 3

jobctl explain --cron '30 2 * * *' --tz Europe/Berlin --from 2027-01-01T12:00:00Z -n 1 >"$T/said" 2>"$T/notes" || fail "explain"
same "changes" "$(said 'time change')" "02:30 does not exist on 2027-03-28, the clock is set forward: due at 03:00
02:30 comes twice on 2027-10-31, the clock is set back: due the first time"
same "one time" "$(grep -c '^2027-0' "$T/said")" 1
[ ! -s "$T/notes" ] || fail "the changes are told twice: $(cat "$T/notes")"

out=$(jobctl explain --every 90m --json)
same "json" "$(echo "$out" | field words.0.what) $(echo "$out" | field words.0.text)" \
	"when every 1h30m of elapsed time, from now on"
same "json has the times" "$(echo "$out" | field occurrences.2.due | cut -c1-2)" 20

jobctl add -q --calendar 'Fri *-*-13 18:30' --tz UTC --except '*-12-24' --jitter 5m --misfire skip -n report true >/dev/null
jobctl explain report >"$T/said" || fail "explain of a job"
same "job" "$(said when)" "at 18:30, on the 13th of the month, if it falls on Friday, in UTC"
same "except" "$(said except)" "on the 24th of December"
same "jitter" "$(said jitter)" "each begins up to 5m after its due, always the same for one job and due"
same "misfire" "$(said misfire)" \
	"what is missed while jobd is down, the host sleeps or the clock jumps: it is skipped"

jobctl explain nobody >/dev/null 2>&1
same "no such job" $? 3
jobctl explain >/dev/null 2>&1
same "of what" $? 2
jobctl explain --cron '61 * * * *' >/dev/null 2>"$T/error"
same "wrong" $? 2
grep -q -- '--cron' "$T/error" || fail "the error does not name the option: $(cat "$T/error")"
stop_jobd
