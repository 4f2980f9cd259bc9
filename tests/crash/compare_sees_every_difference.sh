#!/bin/sh
# The comparing of accounts, which the other crash tests stand on, sees each kind of difference: so those can fail.
. "$(dirname "$0")/lib"

# A change to one of the files makes a difference that is told so.
sees() {
	what=$1
	shift
	cp "$T/journal" "$T/journal2" && cp "$T/tally" "$T/tally2"
	"$@"
	"$TOOLS/compare" $lost "$S" "$T/journal2" "$T/tally2" >"$T/compared" && fail "not seen: $what: $*"
	check "it says: $what" grep -q "$what" "$T/compared"
}

journal_has() {
	echo "$*" >>"$T/journal2"
}

tally_has() {
	echo "$*" >>"$T/tally2"
}

tally_lacks() {
	grep -v "$*" "$T/tally" >"$T/tally2"
}

lost=
start_jobd
fine=$(jobctl add -q -- "$TOOLS/tally" "$T/tally" 3)
bad=$(jobctl add -q -- "$TOOLS/tally" "$T/tally" 1 5)
stays=$(jobctl add -q -n stays -- "$TOOLS/tally" "$T/tally" 1 stay)
later=$(jobctl add -q --in 24h -- true)
jobctl wait stays --until started >/dev/null
jobctl cancel stays >/dev/null
printf '%s\n' "add $fine" "add $bad" "add $stays" "store $later" "canceling $stays" "cancel $stays.1" >"$T/journal"
check "no difference" "$TOOLS/compare" "$S" "$T/journal" "$T/tally"
sees "acknowledged, and is not there" journal_has add 4711
sees "acknowledged, and there is no such run" journal_has trigger "$fine.9"
sees "triggered, and not known as such" journal_has trigger "$fine.1"
sees "its cancel was acknowledged, it is succeeded" journal_has cancel "$fine.1"
sees "was removed, and is there" journal_has remove "$fine"
sees "was paused, and is not" journal_has pause "$later"
sees "ran twice" tally_has begin "$fine.1" 1
sees "attempt 2 has run, jobd knows of 1" tally_has begin "$fine.1" 2
sees "jobd does not know it" tally_has begin "$fine.7" 1
sees "succeeded with code 0" tally_lacks "begin $fine.1"
sees "succeeded with code 0" tally_lacks "end $fine.1"
sees "failed with code 5" tally_lacks "end $bad.1"
sees "failed with code 5.*with code 6" tally_has end "$bad.1" 1 6
sees "a line that nobody writes" tally_has begin
# Its output, without the second line, and with one twice.
log=$T/state/runner/output/$fine/1.1.log
cp "$log" "$T/log1"
sed -i 2d "$log"
sees "line 3 follows line 1" true
sed 's/line 2/line 1/' "$T/log1" >"$log"
sees "line 1 follows line 1" true
sed 3d "$T/log1" >"$log"
sees "2 lines of its 3 are there" true
sed "s/$fine.1 line 2/$bad.1 line 2/" "$T/log1" >"$log"
sees "output that is not its own" true
cp "$T/log1" "$log"
kill_jobd
"$TOOLS/sql" "$T/state/jobd.db" "UPDATE run SET state = 7, ended = started - 1 WHERE job = $fine"
start_jobd
sees "lost" true
sees "startedAt .* is after endedAt" true
lost=--lost
sees "startedAt .* is after endedAt" true
stop_jobd
