#!/bin/sh
# Jobd dies around the commit of a ping, before and after the answer, or at any time: every ping that was answered is in
# the run that the answer named, with what it said; and when jobd is back that run ends so.
. "$(dirname "$0")/lib"

# early ones, one that is awaited (the due has come), extra ones: answered is written down.
ping() {
	run=$(jobctl ping --json "$@" 2>/dev/null | field run 2>/dev/null) && echo "$run $what" >>"$T/answered"
}

# $1 pings of each job, some of which fail.
pings() {
	for i in $(seq "$1"); do
		for job in elapsed wall; do
			what=succeeded
			ping "$job"
			what=failed
			ping --fail --reason "$i" "$job"
		done
	done
}

all_there() {
	[ -s "$T/answered" ] || fail "$1: no ping was answered"
	while read -r run wanted; do
		jobctl wait --timeout 20s "$run" >/dev/null 2>&1
		same "$1: run $run" "$(jobctl runs --json "$run" | field runs.0.state)" "$wanted"
	done <"$T/answered"
	check "$1: the ledger" jobctl audit >/dev/null
	echo "$1: $(wc -l <"$T/answered") pings were answered, and are there"
}

start_jobd
check "heartbeats" jobctl add -q --heartbeat --every 1h -n elapsed >/dev/null
check "heartbeats" jobctl add -q --heartbeat --cron '0 3 * * *' -n wall >/dev/null
stop_jobd

for point in ping-before-commit:1 ping-before-commit:4 ping-after-commit:1 ping-after-commit:4 claim-before-commit:2 \
	claim-after-commit:2 finish-before-commit:2 finish-after-commit:2 reply-before-write:6; do
	: >"$T/answered"
	export JOBD_FAULT="$point"
	start_jobd
	unset JOBD_FAULT
	pings 3
	gone "$JOBD"
	start_jobd
	pings 1
	all_there "$point"
	stop_jobd
done

# Killed at any time.
: >"$T/answered"
for pause in 0 0.01 0.03 0.1; do
	start_jobd
	pings 50 &
	pinging=$!
	sleep "$pause"
	kill_jobd
	wait $pinging
done
start_jobd
all_there "kill -9"
stop_jobd
