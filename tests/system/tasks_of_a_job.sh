#!/bin/sh
# tasks: the tree, what serves a job or run, a kind, the longest, counts.
. "$(dirname "$0")/lib.sh"
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
# With JOBD_STRICT, as in all tests, anything left at the end would abort it.
jobctl cancel nap sleep >/dev/null
stop_jobd
! grep -q "left at the end" "$T/log" || fail "something is left"
