#!/bin/sh
# A socket that a dead daemon left is replaced.
. "$(dirname "$0")/lib.sh"
start_jobd
kill_jobd
[ -S "$S" ] || fail "kill -9 should have left the socket"
start_jobd
check "it answers" jobctl list
stop_jobd
[ ! -e "$S" ] || fail "a polite stop should remove the socket"
