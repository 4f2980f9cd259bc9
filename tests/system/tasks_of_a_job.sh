#!/bin/sh
# tasks: the tree, what serves a job or run, a kind, the longest, counts; what each waits for, in words.
. "$(dirname "$0")/lib.sh"
export JOBD_STRICT=1
start_jobd
id=$(jobctl add -q -n nap --timer 1h) || fail "add"
other=$(jobctl add -q -n sleep --timer 1h) || fail "add"
until [ "$(jobctl tasks --json --kind timer | grep -o '"name":"timer"' | wc -l)" = 2 ]; do :; done
jobctl tasks --tree | grep -q '^      run	.*	'"$id"'\.1	' || fail "the tree: $(jobctl tasks --tree)"
same "a job by name" "$(jobctl tasks nap --json | grep -o '"serves":"[0-9.]*"' | sort -u)" "\"serves\":\"$id.1\""
same "a run" "$(jobctl tasks "$other.1" --json | field tasks.#)" 2
same "nothing serves that" "$(jobctl tasks 999 --json | field tasks.#)" 0
jobctl tasks nobody 2>&1 | grep -q "no job is called nobody\|there is no job nobody" || fail "an unknown name"
same "counted" "$(jobctl tasks --count | awk '$1 == "timer" { print $2 }')" 2
jobctl tasks --longest --limit 3 --json >"$T/longest"
same "three" "$(field tasks.# <"$T/longest")" 3
check "the longest first" test "$(field tasks.0.waitingUSec <"$T/longest")" -ge "$(field tasks.2.waitingUSec <"$T/longest")"

# A run that waits for its turn is no task: it costs none.
jobctl queue add heavy --slots 1 >/dev/null
jobctl add -q -n first --queue heavy --timer 1h >/dev/null
jobctl add -q -n second --queue heavy --timer 1h >/dev/null
until [ "$(jobctl show second --json | field job.state)" = queued ]; do :; done
jobctl tasks second >/dev/null 2>"$T/said" || fail "of one that is queued: $?"
check "it says where to look" grep -q "no task serves second now; jobctl why second tells" "$T/said"
check "there it stands" sh -c "'$BIN/jobctl' why second | grep -q 'a slot of queue heavy'"

# What waits in the kernel is told with its descriptor or process; what waits for the disk, as that.
jobctl add -q -n command -- sleep 100 >/dev/null
until jobctl tasks command | grep -q '	process [0-9]* to end	'; do :; done
debug Slow 200000
jobctl pause nap >/dev/null &
until jobctl tasks | grep -q '	the commit of \|	its commit, or another answer of the store	'; do :; done
debug Slow 0
wait $!
jobctl tasks --json >"$T/all"
grep -q '"name":"listener"[^}]*"watches":"fd [0-9]*"' "$T/all" || fail "a descriptor: $(cat "$T/all")"

# A deadline that jobd-runner keeps is told as that.
jobctl add -q -n stubborn --timeout 1h --grace 50s --sh 'trap "" TERM; sleep 100 & wait; wait' >/dev/null
until jobctl tasks stubborn | grep -q '	process [0-9]* to end: jobd-runner ends it in [0-9hms. ]*, by its timeout	'; do :; done
jobctl cancel stubborn >/dev/null
until jobctl tasks stubborn | grep -q '	process [0-9]* to end: TERM was sent, KILL comes in [0-9hms. ]*	'; do :; done
jobctl cancel first second command >/dev/null

# With JOBD_STRICT, as in all tests, anything left at the end would abort it.
jobctl cancel nap sleep >/dev/null
stop_jobd
! grep -q "left at the end" "$T/log" || fail "something is left"
