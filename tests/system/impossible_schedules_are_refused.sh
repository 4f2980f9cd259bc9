#!/bin/sh
# A schedule that comes to nothing is refused where it was typed; one that may be meant so is noted.
. "$(dirname "$0")/lib.sh"
start_jobd
refused() {
	words=$1
	shift
	jobctl add "$@" true >"$T/out" 2>"$T/err"
	same "exit code of $*" $? 2
	grep -qF -e "$words" "$T/err" || fail "$*: said '$(cat "$T/err")', wanted '$words'"
}
noted() {
	words=$1
	shift
	jobctl add "$@" true >"$T/out" 2>"$T/err" || fail "$*: refused: $(cat "$T/err")"
	grep -qF -e "$words" "$T/err" || fail "$*: said '$(cat "$T/err")', wanted '$words'"
}
refused "--until: is before the first occurrence, " --every 1h --until 2020-01-01
refused "--until: is before the first occurrence, " --every 1h --in 2h --until +1h
refused "--until: nothing would be due from now on until then" --cron @daily --until 2020-01-01
refused "--calendar: it comes no more" --calendar 2020-01-01
refused "--except: leaves no occurrence" --every 1h --until +2d --except '*-*-*'
noted "note: all of the next 366 occurrences are excluded, up to 20" --cron @daily --except '*-*-*'
noted "note: with up to 5h of jitter and 1h between occurrences many will be skipped" --every 1h --jitter 5h
jobctl add --every 1h --jitter 30m --except '*-12-25' --until +30d -q true 2>"$T/err" >/dev/null || fail "a good one"
same "nothing is said of a good one" "$(cat "$T/err")" ""
stop_jobd
