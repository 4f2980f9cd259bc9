#!/bin/sh
# doctor and the log say that the runner has died, and how many runs were lost by it.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl doctor >"$T/out" || fail "doctor of a healthy one: $(cat "$T/out")"
jobctl add -q -n a sleep 1000 >/dev/null
jobctl add -q -n b sleep 1000 >/dev/null
check "both run" jobctl wait a b --until started --timeout 30s
# The claim is told before the process is there.
until [ "$(jobctl show --json 1.1 | field pid)" -gt 0 ] && [ "$(jobctl show --json 2.1 | field pid)" -gt 0 ]; do :; done 2>/dev/null
old=$(runner_pid)
kill -KILL "$old"
gone "$old"
jobctl wait a b --timeout 30s 2>/dev/null
same "they are lost" "$(jobctl runs --state lost --no-headers | grep -c .)" 2
jobctl doctor >"$T/out"
same "doctor is not content" $? 1
check "it says so" grep -q "jobd-runner (pid $old) died with 2 commands: 2 runs were lost" "$T/out"
same "one line when it is gone" "$(grep -c "jobd-runner is gone pid=$old running=2" "$T/log")" 1
same "and one when another is there" "$(grep -c "jobd-runner is back, another one .* former=$old had=2" "$T/log")" 1

# Idle, nothing is lost.
new=$(runner_pid)
kill -KILL "$new"
gone "$new"
jobctl run true || fail "run, with a new runner"
check "that is but noted" sh -c "'$BIN/jobctl' doctor | grep -q 'jobd-runner (pid $new) died, at '"

# Both die; the next jobd finds what is lost.
jobctl add -q -n c sleep 1000 >/dev/null
check "it runs" jobctl wait c --until started --timeout 30s
until [ "$(jobctl show --json 4.1 | field pid)" -gt 0 ]; do :; done 2>/dev/null
new=$(runner_pid)
kill_jobd
kill -KILL "$new"
gone "$new"
start_jobd
jobctl wait c --timeout 30s 2>/dev/null
check "doctor knows" sh -c "'$BIN/jobctl' doctor | grep -q 'jobd-runner died before jobd began: 1 run was lost'"
# A stop is no death.
stop_jobd
same "what the log says of that" "$(grep -c "jobd-runner is gone" "$T/log")" 2
