#!/bin/sh
# After kill -9 every acknowledged job is there, a command went on, and its outcome is known, even if it ended
# while no daemon lived.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n tomorrow --in 24h -- true >/dev/null
jobctl add -q -n short --sh "echo begun >>$T/short; while [ ! -e $T/go-short ]; do sleep 0.02; done; echo ended >>$T/short; exit 3" >/dev/null
jobctl add -q -n long --sh "echo begun >>$T/long; while [ ! -e $T/go-long ]; do sleep 0.02; done; echo ended" >/dev/null
jobctl add -q -n timer --timer 1500ms >/dev/null
check "they start" jobctl wait short long timer --until started
while [ ! -s "$T/short" ] || [ ! -s "$T/long" ]; do :; done
ids=$(jobctl list --json | field jobs.#)
kill_jobd
touch "$T/go-short"
while ! grep -q ended "$T/short"; do :; done
start_jobd
same "jobs after the crash" "$(jobctl list --json | field jobs.#)" "$ids"
jobctl wait short
same "code of the one that ended meanwhile" $? 3
same "the long one still runs" "$(jobctl show long --json | field job.state)" running
touch "$T/go-long"
check "the long one" jobctl wait long
check "the timer" jobctl wait timer
same "output across the crash" "$(jobctl logs long)" "ended"
same "started once" "$(grep -c begun "$T/long") $(grep -c begun "$T/short")" "1 1"
same "runs" "$(jobctl runs long --json | field runs.#)" 1
stop_jobd
