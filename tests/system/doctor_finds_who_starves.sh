#!/bin/sh
# doctor: a task that uses most of the loop, one that wakes itself without getting on, and commits that are slow are each told
# as what they are, and none of them as a blocked loop; --kinds has the worst first.  What else is found of a host that is
# busy with other tests is not looked at.
. "$(dirname "$0")/lib.sh"
export JOBD_STRICT=1
start_jobd
# Until doctor says so.  A hog ends by itself: where a look takes long there may have to be another.
finds() {
	until jobctl doctor | grep -qE "$1"; do
		kill -0 "$JOBD" || fail "it is gone"
		hog
	done
}
hog() { jobctl tasks --count | grep -q hog || debug Hog "$hog"; }
# What it says of the hogs, by the words for programs.
whats() { jobctl doctor --json | grep -oE '"what":"[a-z_]*","text":"(circling|greedy) hog' | sort | tr '\n' ' '; }

hog='{"selfWaking":true}'
finds '^circling hog wakes itself without getting on: [0-9]+ times a second, [0-9]+ % of the loop.s time, at '
until ! jobctl tasks --count | grep -q hog; do :; done

hog='{}'
finds '^greedy hog has used [0-9]+ % of the loop.s time in the last minute: [0-9]+ steps a second of [0-9.]+ ms, at '
same "as what they are" "$(whats)" '"what":"greedy","text":"greedy hog "what":"self_waking","text":"circling hog '
same "the log, once each" "$(grep -c 'circling hog wakes\|greedy hog has used' "$T/log")" 2
until jobctl doctor --kinds --json >"$T/json"; [ "$(field kinds.0.name <"$T/json")" = "greedy hog" ]; do
	kill -0 "$JOBD" || fail "it is gone"
	hog
done
check "its steps are seen" test "$(field kinds.0.stepMaxUSec <"$T/json")" -ge 4000
jobctl doctor --kinds >"$T/words"
same "and in the table" "$(awk '/^TASK/ { getline; print $1, $2; exit }' "$T/words")" "greedy hog"
until ! jobctl tasks --count | grep -q hog; do :; done

debug Slow 300000
jobctl add -q --in 1h -- true >/dev/null || fail "add"
debug Slow 0
jobctl doctor >"$T/words"
grep -qE '^a commit of [0-9]+ operations? took [0-9]+ ms, at ' "$T/words" || fail "in words: $(cat "$T/words")"
grep -q '^    the disk of the state directory is slow or busy' "$T/words" || fail "what helps: $(cat "$T/words")"
! grep -qE '^loop blocked ([3-9][0-9]{2}|[0-9]{4,}) ms' "$T/words" || fail "it blocked the loop: $(cat "$T/words")"
stop_jobd
