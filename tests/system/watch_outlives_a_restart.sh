#!/bin/sh
# watch goes on when jobd is back.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/events"
"$BIN/jobctl" watch --json >"$T/events" 2>"$T/said" &
watch=$!
exec 3<"$T/events"
next() { read -r line <&3 || fail "watch ended: $(cat "$T/said")"; }
next
same "it has begun" "$line" "{}"
kill_jobd
start_jobd
next
same "it has begun again" "$line" "{}"
jobctl add -q -n after --in 1h -- true >/dev/null
next
same "an event after the restart" "$(echo "$line" | field event.name)" after
check "it says so" grep -q "jobd has gone; waiting for it to come back" "$T/said"
kill $watch
stop_jobd
