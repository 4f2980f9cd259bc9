#!/bin/sh
# What cannot be is refused when it is added, with the place and in words: circles, unknown parents, schedules.
. "$(dirname "$0")/lib.sh"
start_jobd
call() { printf '%s\0' "$1" | "$TOOLS/call" "$S"; }
add() { call '{"method":"io.jobd.Add","parameters":{"jobs":['"$1"']}}' >"$T/out"; }
job() { printf '{"timer":{"durationUSec":1},"name":"%s","after":[%s]}' "$1" "$2"; }

add "$(job a '"c:any"'),$(job b '"a"'),$(job c '"b:fail"')"
same "a circle" "$(field error <"$T/out")" io.jobd.InvalidField
same "its place" "$(field parameters.field <"$T/out")" "jobs[1].after[0]"
same "its words" "$(field parameters.reason <"$T/out")" "makes a circle: a -> c -> b -> a"
add "$(job a '"a"')"
same "a circle of one" "$(field parameters.reason <"$T/out")" "makes a circle: a -> a"
add "$(job a '"b"'),$(job b '"zzz"')"
same "a stranger" "$(field error <"$T/out")" io.jobd.NotFound
same "who" "$(field parameters.what <"$T/out")" "zzz (jobs[1].after[0])"
same "none was added" "$(jobctl list --json | field jobs.#)" 0
add "$(job c '"b","a"'),$(job b '"a"'),$(job a '')"
same "later ones may be named" "$(field parameters.ids.# <"$T/out")" 3
check "they run" jobctl wait c

jobctl add --after nobody -- true 2>"$T/out"
same "exit code" $? 3
grep -q "no job is called nobody" "$T/out" || fail "not said: $(cat "$T/out")"
jobctl add --after 99 -- true 2>/dev/null
same "no such id" $? 3
# The id that it is about to get is nobody's yet.
jobctl add --after 4 -- true 2>/dev/null
same "its own id" $? 3
jobctl add --after a --every 5s -- true 2>"$T/out"
same "a schedule, too" $? 2
grep -q -- "--after: its parents say when" "$T/out" || fail "not said: $(cat "$T/out")"
jobctl add --after a --after a:any -- true 2>"$T/out"
same "twice" $? 2
jobctl add --after a --after 3 -- true 2>"$T/out"
same "twice, by id" $? 2
jobctl add --after 'a*' -- true 2>"$T/out"
same "a pattern" $? 2

# The same of a job that is there already.
edit() { call '{"method":"io.jobd.Edit","parameters":{"job":"b","spec":{"timer":{"durationUSec":1},"name":"b","after":['"$1"']}}}' >"$T/out"; }
edit '"nobody:any"'
same "a stranger" "$(field parameters.reason <"$T/out")" "there is no job nobody"
same "its place" "$(field parameters.field <"$T/out")" "spec.after[0]"
edit '"c:fail"'
same "a circle" "$(field parameters.reason <"$T/out")" "makes a circle: c waits for this job, or is it"
stop_jobd
