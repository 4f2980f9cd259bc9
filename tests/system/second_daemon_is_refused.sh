#!/bin/sh
# A second jobd on the same state directory, or the same socket, refuses to start and says who holds it.
. "$(dirname "$0")/lib.sh"
start_jobd
"$BIN/jobd" --state-dir "$T/state" --socket "$T/other" 2>"$T/err" && fail "it started on the same state"
grep -q "$JOBD" "$T/err" || fail "it does not say who holds it: $(cat "$T/err")"
"$BIN/jobd" --state-dir "$T/state2" --socket "$S" 2>"$T/err" && fail "it took a live socket"
grep -q "$S" "$T/err" || fail "it does not name the socket: $(cat "$T/err")"
check "the first one lives" jobctl list
stop_jobd
