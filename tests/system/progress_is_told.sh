#!/bin/sh
# --progress: a command's lines on JOBD_PROGRESS_FD are the progress of its live run, and events for who watches; lines of
# another form are passed over; one that writes without end holds up itself alone.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl watch >"$T/events" & watch=$!
# Two: a reader that comes back at once to the same one may find the first writer still there.
mkfifo "$T/go" "$T/go2"
id=$(jobctl add -q --progress --sh 'echo "42% copying files" >&"$JOBD_PROGRESS_FD"; read word <'"$T/go"'
	echo "no number" >&3; echo 101 >&3; echo "99.5%" >&3; echo "50 x"; read word <'"$T/go2")
looks=0
until [ "$(jobctl show "$id.1" --json | field progressPercent)" = 42 ] || [ $looks -gt 2000 ]; do looks=$((looks + 1)); done
same "the text" "$(jobctl show "$id.1" --json | field progressText)" "copying files"
same "in a list" "$(jobctl list --json | grep -o '"progressPercent":[0-9]*')" '"progressPercent":42'
echo >"$T/go"
looks=0
until [ "$(jobctl show "$id.1" --json | field progressPercent)" = 99 ] || [ $looks -gt 2000 ]; do looks=$((looks + 1)); done
same "the latest" "$(jobctl show "$id.1" --json | field progressPercent)" 99
echo >"$T/go2"
jobctl wait "$id" --timeout 60s >/dev/null || fail "it does not succeed"
same "a run that is over has none" "$(jobctl show "$id.1" --json | grep -c progress)" 0
same "without the option there is no descriptor" "$(jobctl run --sh 'echo "$JOBD_PROGRESS_FD" $(ls /proc/self/fd | wc -l)')" "$(jobctl run --sh 'echo $(ls /proc/self/fd | wc -l)' | sed 's/^/ /')"
flood=$(jobctl add -q --progress --sh 'yes "1% flood" >&3')
same "another beside a flood" "$(jobctl run echo fine)" fine
jobctl cancel "$flood" >/dev/null
jobctl wait "$flood" --timeout 60s >/dev/null 2>&1
same "it was ended" "$(jobctl show "$flood" --json | field job.lastRun.state)" canceled
kill "$watch"
check "who watches is told" grep -q run_progress "$T/events"
stop_jobd
