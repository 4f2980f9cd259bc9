#!/bin/sh
# list -w: as many jobs as fit, again and again; it waits for a jobd that goes, and goes on; without a
# terminal it says what it lacks.
. "$(dirname "$0")/lib.sh"
jobctl list -w >"$T/said" 2>&1
same "no terminal is a usage error" $? 2
check "it says so" grep -q "the output goes to no terminal" "$T/said"
. "$(dirname "$0")/screen.sh"
printf '[limits]\nconnections = 8\n' >"$T/conf"
start_jobd --config "$T/conf"
jobctl add -q -n early --in 1h -- true >/dev/null
screen_start 80 24 "$BIN/jobctl list -w"
screen_until "the first job" " early .*scheduled"
jobctl add -q -n later --in 1h -- true >/dev/null
screen_until "a job that was added meanwhile" " later .*scheduled"
jobctl rm early >/dev/null
screen_without "one that was removed" " early "
same "nothing is left of what was there" "$(grep -c scheduled "$T/screen")" 1
i=0
while [ $i -lt 30 ]; do i=$((i + 1)); jobctl add -q -n "many-$i" --in 1h -- true >/dev/null; done
screen_until "there are more than fit" "^\.\.\. and more"
check "the heading is there" grep -q "^20.*every second" "$T/screen"
screen_size 60 10
screen_until "it fits a smaller terminal" "^\.\.\. and more"
screen_size 100 40
screen_until "and a larger one" "many-30"
kill_jobd
screen_until "it says that jobd has gone" "waiting: jobd is not running"
check "the jobs still stand there" grep -q many-30 "$T/screen"
start_jobd --config "$T/conf"
screen_until "it goes on" "^20.*every second"
screen_keys C-c
screen_until "the shell goes on" "it ended with 130"
screen_end

# What ends it later on is told as everything else is.
screen_start 80 24 "$BIN/jobctl list -w"
screen_until "the jobs" "many-1 "
mkfifo "$T/events"
"$BIN/jobctl" watch --json >"$T/events" &
watch=$!
exec 8<"$T/events"
printf '[limits]\nconnections = 1\n' >"$T/conf"
kill -HUP "$JOBD"
screen_until "it ends, and says why" "^jobctl: a limit is reached: connections"
screen_until "the shell goes on" "it ended with 1"
kill $watch
wait $watch
stop_jobd
