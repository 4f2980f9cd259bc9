#!/bin/sh
# The daemon dies when a parent's end is committed and its children are not told yet, and at random: each child runs
# exactly once all the same, counted by the children themselves.
. "$(dirname "$0")/lib.sh"
children=60

# A parent, its children, and a job that waits for some of them.
plant() {
	jobctl add -q -n "parent$1" --in 24h --sh "echo parent$1 >>$T/ran" >/dev/null || fail "parent$1"
	i=0
	while [ $i -lt $children ]; do
		jobctl add -q -n "child$1-$i" --after "parent$1" --sh "echo child$1-$i >>$T/ran" >/dev/null ||
			fail "child$1-$i"
		i=$((i + 1))
	done
	jobctl add -q -n "join$1" --after "child$1-0" --after "child$1-40" --after "child$1-59" \
		--sh "echo join$1 >>$T/ran" >/dev/null || fail "join$1"
}

# Whatever has happened: all of it is done once.
harvest() {
	check "join$1" jobctl wait "join$1" --timeout 60s
	i=0
	while [ $i -lt $children ]; do
		check "child$1-$i" jobctl wait "child$1-$i" --timeout 60s
		i=$((i + 1))
	done
	same "round $1: twice" "$(sort "$T/ran" | uniq -d)" ""
	same "round $1: children" "$(grep -c "child$1-" "$T/ran")" $children
	same "round $1: the join" "$(grep -c "join$1\$" "$T/ran")" 1
	: >"$T/ran"
}

: >"$T/ran"
start_jobd
round=0
for fault in finish-before-commit:1 finish-after-commit:1 finish-after-commit:30 claim-after-commit:20; do
	round=$((round + 1))
	plant $round
	stop_jobd
	JOBD=$(JOBD_FAULT=$fault "$TOOLS/ready" "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/state") ||
		fail "jobd does not start"
	jobctl trigger "parent$round" >/dev/null 2>&1
	gone "$JOBD"
	start_jobd
	harvest $round
done
for round in 5 6; do
	plant $round
	jobctl trigger "parent$round" >/dev/null
	until grep -q child "$T/ran"; do :; done
	kill_jobd
	start_jobd
	harvest $round
done
jobctl audit || fail "audit finds gaps"
stop_jobd
