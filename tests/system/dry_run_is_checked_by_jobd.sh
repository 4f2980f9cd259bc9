#!/bin/sh
# add --dry-run is refused what add would be refused, in the same words, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n there --in 1h true >/dev/null
jobctl add -q --key k --in 1h true >/dev/null
jobs=$(jobctl list --no-headers | wc -l)
# refused ARGS...: alike by both.
refused() {
	jobctl add --dry-run "$@" >"$T/out" 2>"$T/dry"
	dry=$?
	jobctl add "$@" >/dev/null 2>"$T/err"
	same "exit code of --dry-run $*" "$dry" $?
	[ "$dry" -ne 0 ] || fail "$*: it was accepted"
	same "words of --dry-run $*" "$(cat "$T/dry")" "$(cat "$T/err")"
	same "nothing was printed for $*" "$(cat "$T/out")" ""
}
refused --every 1ms true
refused --cron '99 * * * *' true
refused --calendar 'Fri..Mon 25:00' true
refused --cron '0 0 30 2 *' true
refused --after nosuch true
refused --after 77 true
refused -n there true
refused --notify fail:nosuch true
refused --http http://h/ --depends-on there
refused --http http://h/ --body-match '('
refused -n 12 true
refused --every 1h --at 18:30 --cron @daily true
refused -e JOBD_RUN=1 true
jobctl add --dry-run --queue fresh -n new --every 1h true >"$T/out" 2>"$T/err" || fail "a good one: $(cat "$T/err")"
check "it tells of a queue to come" grep -q "there is no queue fresh yet: it would be made" "$T/err"
check "it says what" grep -qx "would add a job:" "$T/out"
jobctl add --dry-run --key k true >/dev/null 2>"$T/err"
check "a key that is there" grep -q "job 2 has this key already: nothing would be added" "$T/err"
same "no job is there" "$(jobctl list --no-headers | wc -l)" "$jobs"
jobctl queue --no-headers | grep -q '^fresh' && fail "the queue was made"
# The next id is as if nothing had been.
same "ids" "$(jobctl add -q --in 1h true)" 3
stop_jobd
