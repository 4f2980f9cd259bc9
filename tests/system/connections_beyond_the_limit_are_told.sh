#!/bin/sh
# One connection too many gets a typed error, which jobctl tells; GetInfo says whose service this is.
. "$(dirname "$0")/lib.sh"
printf '[limits]\nconnections = 1\n' >"$T/conf"
start_jobd --config "$T/conf"
same "url" "$(printf '{"method":"org.varlink.service.GetInfo"}\0' | "$TOOLS/call" "$S" | field parameters.url)" io.jobd
mkfifo "$T/events"
"$BIN/jobctl" watch --json >"$T/events" &
watch=$!
read -r line <"$T/events"
jobctl list >"$T/out" 2>"$T/err"
same "exit code" $? 1
same "what it says" "$(cat "$T/err")" "jobctl: a limit is reached: connections"
kill $watch
wait $watch
stop_jobd
