#!/bin/sh
# READY comes when the socket answers; WATCHDOG is fed; STOPPING is told.
. "$(dirname "$0")/lib.sh"
mkfifo "$T/notes"
WATCHDOG_USEC=400000 "$TOOLS/ready" --keep "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/state" >"$T/notes" &
exec 3<"$T/notes"
wait_for() {
	while read -r line <&3; do
		case $line in
		PID=*) JOBD=${line#PID=} ;;
		EXIT=*) [ "$1" = EXIT ] || fail "it ended early: $line" ;;
		esac
		case $line in "$1"*) return 0 ;; esac
	done
	fail "no $1"
}
wait_for READY=1
check "it answers when ready" jobctl list
wait_for WATCHDOG=1
wait_for WATCHDOG=1
kill -TERM "$JOBD"
wait_for STOPPING=1
wait_for EXIT
same "exit" "$line" EXIT=0
JOBD=
