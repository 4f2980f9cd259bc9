#!/bin/sh
# A run that retention has given up, and a job that was removed, are not said never to have been.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n kept --keep 1 --every 1d true >/dev/null
check "it ends" jobctl wait 1.1
for n in 2 3; do
	jobctl trigger -q kept >/dev/null
	check "run $n ends" jobctl wait 1.$n
done
jobctl gc >/dev/null || fail "gc"
says() {
	words=$1
	shift
	jobctl "$@" >"$T/out" 2>"$T/err"
	same "exit code of $*" $? 3
	same "$*" "$(cat "$T/err")" "jobctl: $words"
}
for verb in show status logs why runs wait cancel; do
	says "there is no run 1.1 any more: retention has given it up" $verb 1.1
done
says "there is no run 1.4" show 1.4
says "there is no run 7.1" show 7.1
jobctl rm -q kept
says "there is no job 1 any more: it was removed, or retention has given it up" wait 1
says "there is no job 1 any more: it was removed, or retention has given it up" why 1
says "there is no job 1 any more: it was removed, or retention has given it up" show 1
says "there is no job 2" show 2
says "there is no job 2" wait 2
stop_jobd
