#!/bin/sh
# doctor: a task that uses most of the loop, one that wakes itself without getting on, and commits that are slow are each told
# as what they are, and none of them as a blocked loop; --kinds has the worst first.
. "$(dirname "$0")/lib.sh"
export JOBD_STRICT=1
start_jobd
found() { jobctl doctor --json | grep -oE '"what":"(blocked|greedy|self_waking|slow_commit|not_drained)"' | sort -u | tr '\n' ' '; }

debug Hog '{"selfWaking":true}'
until [ "$(found)" = '"what":"self_waking" ' ]; do kill -0 "$JOBD" || fail "it is gone"; done
jobctl doctor >"$T/words"
grep -qE '^circling hog wakes itself without getting on: [0-9]+ times a second, [0-9]+ % of the loop.s time, at ' "$T/words" ||
	fail "in words: $(cat "$T/words")"
until ! jobctl tasks --count | grep -q hog; do :; done

debug Hog
until found | grep -q greedy; do kill -0 "$JOBD" || fail "it is gone"; done
same "both, and it blocks nothing" "$(found)" '"what":"greedy" "what":"self_waking" '
until [ "$(jobctl doctor --kinds --json | field kinds.0.name)" = "greedy hog" ]; do kill -0 "$JOBD" || fail "it is gone"; done
jobctl doctor --kinds >"$T/words"
grep -qE '^greedy hog has used [0-9]+ % of the loop.s time in the last minute: [0-9]+ steps a second of [0-9.]+ ms, at ' "$T/words" ||
	fail "in words: $(cat "$T/words")"
same "the log, once each" "$(grep -c 'circling hog wakes\|greedy hog has used' "$T/log")" 2
jobctl doctor --kinds --json >"$T/json"
same "the worst comes first" "$(field kinds.0.name <"$T/json")" "greedy hog"
check "its steps are seen" test "$(field kinds.0.stepMaxUSec <"$T/json")" -ge 4000
same "and in the table" "$(awk '/^TASK/ { getline; print $1, $2; exit }' "$T/words")" "greedy hog"
until ! jobctl tasks --count | grep -q hog; do :; done

debug Slow 300000
jobctl add -q --in 1h -- true >/dev/null || fail "add"
debug Slow 0
same "a slow commit blocks nothing" "$(found)" '"what":"greedy" "what":"self_waking" "what":"slow_commit" '
jobctl doctor | grep -qE '^a commit of [0-9]+ operations? took [0-9]+ ms, at ' || fail "in words: $(jobctl doctor)"
jobctl doctor | grep -q '^    the disk of the state directory is slow or busy' || fail "what helps: $(jobctl doctor)"
same "nothing was blocked" "$(jobctl stats --json | field blocked)" 0
stop_jobd
