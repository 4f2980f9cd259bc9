#!/bin/sh
# A run that has been asked to end says so, and when it is made to, until it has.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/ready"
jobctl add -q -n deaf --grace 1h --sh "trap '' TERM; echo >$T/ready; while :; do sleep 0.05; done" >/dev/null
read -r _ <"$T/ready"
jobctl cancel -q deaf >/dev/null
jobctl show 1.1 >"$T/out"
# TERM goes out as soon as the command of jobd's has been read.
n=0
until grep -q '^KILL comes' "$T/out"; do
	n=$((n + 1))
	[ $n -lt 1000 ] || fail "nothing tells of KILL"
	jobctl show 1.1 >"$T/out"
done
same "the list" "$(jobctl list --no-headers deaf | cut -f7)" "canceling"
check "runs" sh -c "'$BIN/jobctl' runs --no-headers deaf | cut -f4 | grep -q '^canceling, KILL 2'"
jobctl status deaf >"$T/out"
check "status" grep -q '^It is being canceled by uid [0-9]*: TERM was sent .*, KILL comes in ' "$T/out"
jobctl why deaf >"$T/out"
check "why" grep -q '^running as 1.1 .*, and is being canceled by uid [0-9]*: TERM was sent at .*, KILL comes at ' "$T/out"
# Another daemon knows that, but not since when.
stop_jobd
start_jobd
check "it runs still" jobctl wait deaf --until started
jobctl status deaf >"$T/out"
check "status after a restart" grep -qx 'It is being canceled by uid [0-9]*\.' "$T/out"
jobctl signal deaf KILL >/dev/null
jobctl wait deaf --timeout 30s 2>/dev/null
jobctl status deaf >"$T/out"
grep -q "being canceled" "$T/out" && fail "it is over: $(cat "$T/out")"
stop_jobd
