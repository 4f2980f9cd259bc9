#!/bin/sh
# A failed run is tried again; run and wait go through the retries, its output is told attempt after attempt, and show
# tells how each ended.
. "$(dirname "$0")/lib.sh"
start_jobd
out=$(jobctl run -n third --retries 5 --backoff fixed:20ms --sh 'echo "try $JOBD_ATTEMPT"; [ $JOBD_ATTEMPT = 3 ]')
same "the code of the last attempt" $? 0
same "the output of all attempts" "$(echo "$out" | paste -sd ,)" "try 1,try 2,try 3"
jobctl show 1.1 --json >"$T/run"
same "attempts before it" "$(field attempts.# <"$T/run")" 2
same "how the first ended" "$(field attempts.0.state <"$T/run") $(field attempts.0.exitCode <"$T/run")" "failed 1"
same "the last attempt" "$(field attempt <"$T/run") $(field state <"$T/run")" "3 succeeded"
same "one run" "$(jobctl show third --json | field job.runs)" 1
jobctl status 1.1 | grep -q '^3	ok' || fail "status tells attempts: $(jobctl status 1.1)"
same "why tells them" "$(jobctl why 1.1 | grep -c '	attempt	')" 2

jobctl add -q -n never --retries 2 --backoff fixed:10ms -- sh -c 'exit 9' >/dev/null
jobctl wait never >/dev/null 2>&1
same "wait has the code of the last" $? 9
same "all retries were used" "$(jobctl show 2.1 --json | field attempt)" 3
jobctl add -q -n other --retries 2 --backoff fixed:10ms --retry-on 10-20 -- sh -c 'exit 9' >/dev/null
jobctl wait other >/dev/null 2>&1
same "a code that is not asked for" "$(jobctl show 3.1 --json | field attempt)" 1
jobctl add -q -n missing --retries 2 --backoff fixed:10ms -- no-such-program-at-all >/dev/null
jobctl wait missing >/dev/null 2>&1
same "a program that is not there" "$(jobctl show 4.1 --json | field attempt)" 1

# By hand: the same run, with all its retries again.
same "which run" "$(jobctl retry -q never)" 2.1
jobctl wait never >/dev/null 2>&1
same "code after the retry" $? 9
same "attempts after the retry" "$(jobctl show 2.1 --json | field attempt)" 6
same "none is told twice" "$(jobctl show 2.1 --json | field attempts.#)" 5
jobctl retry third 2>"$T/err"
same "what succeeded is not tried again" $? 6
grep -q "run 1.1 has succeeded" "$T/err" || fail "it is told why: $(cat "$T/err")"
jobctl retry 2>/dev/null
same "retry needs something" $? 2
same "all that failed" "$(jobctl retry -q --failed --since 1h | sort | paste -sd ,)" "2.1,3.1,4.1"
jobctl wait never other missing >/dev/null 2>&1
same "attempts of each" "$(jobctl show 3.1 --json | field attempt) $(jobctl show 4.1 --json | field attempt)" "2 2"
same "nothing failed since then" "$(jobctl retry -q --failed --since +1h 2>&1)" "jobctl: nothing has failed"
stop_jobd
