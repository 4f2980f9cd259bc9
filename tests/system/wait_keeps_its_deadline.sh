#!/bin/sh
# wait --timeout ends in time with code 7 though jobd was killed meanwhile, and does not come back.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n later --in 1h -- true >/dev/null
mkfifo "$T/said"
"$BIN/jobctl" wait later --timeout 1500ms 2>"$T/said" &
wait=$!
exec 3<"$T/said"
# Its call is there: then it is not by chance that it sees jobd go.
until jobctl tasks --json | grep -q '"name":"Wait"'; do kill -0 $wait || fail "wait ended"; done
begin=$(date +%s%N)
kill_jobd
read -r line <&3
same "what it says first" "$line" "jobctl: jobd has gone; waiting for it to come back"
read -r line <&3
wait $wait
same "exit code" $? 7
same "what it says last" "$line" "jobctl: it did not happen in time"
check "it took no longer" test $((($(date +%s%N) - begin) / 1000000)) -lt 20000
exec 3<&-

# A jobd that is there but does not answer keeps nobody longer either.
start_jobd
kill -STOP "$JOBD"
jobctl wait later --timeout 100ms 2>/dev/null
same "exit code with a jobd that is stopped" $? 7
kill -CONT "$JOBD"
stop_jobd
