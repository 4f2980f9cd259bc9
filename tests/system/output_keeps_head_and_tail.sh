#!/bin/sh
# Of output that is longer than --output-max the head and the tail are kept; logs says how much is missing, on stderr, and
# so does --json; --tail, --since, --stderr and following go on over the cut. A run that shouts without end takes a bounded
# place on disk and holds up no other.
. "$(dirname "$0")/lib.sh"
start_jobd

# Which of two pipes is read first is not known: so what comes on one is there before the other has anything.
mkfifo "$T/go"
jobctl add -q --output-max 4K --sh "echo trouble >&2; read word <$T/go; echo first; seq 1 20000; echo last" >"$T/id"
until jobctl logs 1 --stderr 2>&1 | grep -q trouble; do kill -0 "$JOBD" || fail "jobd has gone"; done
echo word >"$T/go"
jobctl wait 1 || fail "it does not succeed"
jobctl logs 1 >"$T/out" 2>"$T/err"
same "the first line" "$(head -n 1 "$T/out")" first
same "the last line" "$(tail -n 1 "$T/out")" last
check "the kept part is within the limit" [ "$(wc -c <"$T/out")" -le 4096 ]
check "some of the middle is missing" [ "$(grep -c '^10000$' "$T/out")" = 0 ]
check "the cut is told once" [ "$(grep -c 'output left out here' "$T/err")" = 1 ]
check "what went to stderr is there, too" grep -q '^trouble$' "$T/err"
kept=$(cat "$T/out" "$T/err" | grep -v 'left out here' | wc -c)
omitted=$(jobctl logs 1 --json | grep -o '"omittedBytes":[0-9]*' | cut -d : -f 2)
whole=$({ echo first; seq 1 20000; echo last; echo trouble; } | wc -c)
same "kept and missing together" "$((kept + omitted))" "$whole"
same "the tail" "$(jobctl logs 1 --tail 3 --stdout)" "$(printf '19999\n20000\nlast')"
same "stderr alone" "$(jobctl logs 1 --stderr 2>&1 >/dev/null | grep -v 'left out')" trouble
same "nothing is newer than tomorrow" "$(jobctl logs 1 --since 2100-01-01 2>/dev/null)" ""
check "all is newer than an hour ago" [ "$(jobctl logs 1 --since 1h 2>/dev/null | wc -l)" = "$(wc -l <"$T/out")" ]
jobctl logs 1 --since soon 2>"$T/err"
same "a time that is none is a usage error" $? 2

# Bytes that are no text come back as they were.
head -c 100000 /dev/urandom >"$T/random"
jobctl add -q --wait -n random cat "$T/random" >"$T/id"
jobctl logs random >"$T/back"
check "random bytes survive" cmp "$T/random" "$T/back"

# It shouts until it is cancelled; meanwhile a hundred others come and go.
jobctl add -q -n shouter --output-max 1M --sh 'while :; do cat /bin/sh; done' >/dev/null
i=0
while [ $i -lt 100 ]; do jobctl add -q -l quiet=yes true >/dev/null; i=$((i + 1)); done
last=$(jobctl add -q --sh 'echo heard')
jobctl wait "$last" --timeout 60s >/dev/null || fail "a quiet command does not end beside a shouting one"
same "its output" "$(jobctl logs "$last")" heard
jobctl cancel shouter >/dev/null
jobctl wait shouter --timeout 60s >/dev/null 2>&1
shouter=$(jobctl show shouter --json | field job.id)
check "its place on disk is bounded" [ "$(du -sk "$T/state/runner/output/$shouter" | cut -f 1)" -le 9216 ]
check "what was kept of it" [ "$(jobctl show shouter --json | field job.lastRun.outputBytes)" -le 1048576 ]
threads=$(grep Threads "/proc/$(runner_pid)/status" | tr -dc 0-9)
case $BIN in
*san*) ;;	# sanitizers start threads of their own
*) same "threads of jobd-runner" "$threads" 2 ;;
esac
stop_jobd
