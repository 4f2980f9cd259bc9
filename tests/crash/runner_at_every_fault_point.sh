#!/bin/sh
# For every fault point of the runner: it dies there, again and again, while commands are started and end. Each run
# has one outcome, a command ran at most once, and exactly once when it is said to have succeeded; nothing that a dead
# runner has left is there afterwards. What ran is counted by the world: each command adds a line to a file.
. "$(dirname "$0")/../system/lib.sh"

one() {
	point=$1 count=$2
	rm -rf "$T/state" "$T/ran"
	touch "$T/ran"
	export JOBD_FAULT="$point:$count"
	start_jobd
	unset JOBD_FAULT
	ids=
	for i in 1 2 3 4 5 6 7 8; do
		ids="$ids $(jobctl add -q --sh "echo \$JOBD_RUN >>$T/ran; setsid sleep 1000 & exit 0")" || fail "$point: not added"
	done
	for id in $ids; do
		jobctl wait "$id" --timeout 60s >/dev/null 2>&1
		[ $? != 7 ] || fail "$point: $id does not end"
	done
	stop_jobd
	r=$(runner_pid); [ -z "$r" ] || { kill "$r" 2>/dev/null; "$TOOLS/gone" "$r"; }

	# The next two have no fault: they tell the truth, and tidy up.
	start_jobd
	jobctl run -- true || fail "$point: the next runner does not work"
	ok=0 lost=0
	for id in $ids; do
		n=$(grep -cx "$id.1" "$T/ran")
		state=$(jobctl show "$id" --json | field job.lastRun.state)
		case $state in
		succeeded) ok=$((ok + 1)); same "$point: how often $id.1 ran" "$n" 1 ;;
		lost) lost=$((lost + 1)); [ "$n" -le 1 ] || fail "$point: $id.1 ran $n times" ;;
		failed) same "$point: how often $id.1 ran" "$n" 0 ;;
		*) fail "$point: $id is $state" ;;
		esac
	done
	name=$(cat "$T/state/runner/name")
	strays=$(grep -lz "^JOBD_RUNNER=$name$" /proc/[0-9]*/environ 2>/dev/null)
	same "$point: stray processes" "$strays" ""
	lives=$(grep -c "jobd-runner is ready" "$T/state/runner/log")
	stop_jobd
	r=$(runner_pid); [ -z "$r" ] || { kill "$r" 2>/dev/null; "$TOOLS/gone" "$r"; }
	echo "$point:$count lives=$lives succeeded=$ok lost=$lost"
	# This one, that of the fault, and one at least in between.
	[ "$lives" -ge 3 ] || fail "$point: it did not die"
}

for point in $("$BIN/jobd-runner" --list-faults); do
	one "$point" 3
done
