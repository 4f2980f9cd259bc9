#!/bin/sh
# Hundreds of short commands, ten thousand in check-long, some of which leave processes behind: afterwards there is no
# zombie, no stray process, no open descriptor and no task more than before.
. "$(dirname "$0")/lib.sh"
n=300
[ -z "${JOBD_LONG:-}" ] || n=10000
start_jobd
jobctl run -- true

# Jobs of every kind, a thousand at most in one call.
batch() {
	awk -v n="$1" 'BEGIN {
		c[0] = "exit 0"; c[1] = "echo out; echo err >&2"; c[2] = "exit 3"
		c[3] = "setsid sleep 1000 & exit 0"				# left behind
		c[4] = "sh -c \"setsid sleep 1000 & exit 0\"; exit 0"		# the same, orphaned before
		c[5] = "(true & true & true &) ; exit 0"; c[6] = "kill -KILL $$"
		c[7] = "exec 1>&- 2>&-; exit 0"; c[8] = "printf half"; c[9] = "true"
		printf "{\"method\":\"io.jobd.Add\",\"parameters\":{\"jobs\":["
		for (i = 0; i < n; i++) {
			s = c[i % 10]; gsub(/"/, "\\\"", s)
			printf "%s{\"command\":{\"argv\":[\"/bin/sh\",\"-c\",\"%s\"],\"directory\":\"/\"}}", i ? "," : "", s
		}
		printf "]}}"
	}'; printf '\0'
}
# Not the journal's: at most two, counted below.
descriptors() {
	ls -l "/proc/$1/fd" | grep -vc "/exits/journal\."
}
# Both processes at rest: what they hold.
holds() {
	r=$(runner_pid)
	echo "$(descriptors "$JOBD") $(descriptors "$r") $(cat "/proc/$r/task/$r/children")$(cat "/proc/$JOBD/task/$JOBD/children" | tr -d ' ')"
}
before=$(holds)
# No more than before: then, the connection of `jobctl run` may not have been closed yet.
at_rest() {
	set -- $(holds) $before
	[ "$1" -le "$4" ] && [ "$2" -le "$5" ] && [ "$3" = "$6" ]
}
name=$(cat "$T/state/runner/name")
done=0
while [ "$done" -lt "$n" ]; do
	k=$((n - done > 1000 ? 1000 : n - done))
	batch "$k" | "$TOOLS/call" "$S" | grep -q '"ids"' || fail "the jobs were not added"
	done=$((done + k))
	while s=$(jobctl stats --json); [ "$(echo "$s" | field runsStarted)" -lt $((done + 1)) ] ||
		[ "$(echo "$s" | field running)" != 0 ]; do sleep 0.1; done
done
same "runs that succeeded" "$(jobctl stats --json | field runsSucceeded)" $((n / 10 * 8 + 1))

# The last record is acknowledged soon: then the runner has none to tell of, and two files of its journal at most.
records() {
	printf '{"method":"io.jobd.Runner.Watch","parameters":{},"more":true}\0' |
		"$TOOLS/call" "$T/state/runner/io.jobd.Runner" | grep -c '"exits"'
}
tries=200
while [ "$(records)" != 0 ] || ! at_rest || [ "$(ls "$T/state/runner/exits" | wc -l)" -gt 2 ]; do
	[ $((tries -= 1)) -gt 0 ] ||
		fail "held: $(holds), before: $before, records: $(records) in $(ls "$T/state/runner/exits" | wc -l)"
	sleep 0.05
done
strays=$(grep -lz "^JOBD_RUNNER=$name$" /proc/[0-9]*/environ 2>/dev/null)
same "stray processes" "$strays" ""
stop_jobd
