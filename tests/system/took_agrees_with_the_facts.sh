#!/bin/sh
# TOOK is never less than what was waited or what the command did itself.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n wait --wait --timer 1s >/dev/null || fail "the timer: $?"
took=$(jobctl runs wait --no-headers | cut -f 7)
case $took in 1s | 1.*s | [2-9]*) ;; *) fail "a timer of 1s took $took" ;; esac

# Its first act is to tell the time: it was spawned before that.
jobctl run -n stamp --sh 'date +%s%N; exit 7' >"$T/stamp"
spawned=$(date -d "$(jobctl show stamp --json | field job.lastRun.spawnedAt)" +%s%N)
check "spawned before its first act" test "$spawned" -le "$(cat "$T/stamp")"
stop_jobd
