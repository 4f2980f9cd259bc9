#!/bin/sh
# A socket passed by the service manager is used; clients that come before jobd is ready are served.
. "$(dirname "$0")/lib.sh"
JOBD=$("$TOOLS/ready" "$T/log" "$TOOLS/activate" "$S" "$BIN/jobd" --state-dir "$T/state") || fail "it does not start"
check "it answers there" jobctl list
stop_jobd
[ -S "$S" ] || fail "the manager's socket is not ours to remove"
