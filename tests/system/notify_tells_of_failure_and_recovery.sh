#!/bin/sh
# A target is told of a failure, once of each end, and the recovery names what it resolves; a target that
# is not there is refused, with the field; what is not delivered is shown.
. "$(dirname "$0")/lib.sh"

cat >"$T/conf" <<CONF
[target ops]
command = cat >>$T/told; echo >>$T/told; echo "\$JOBD_EVENT \$JOBD_EVENT_NAME \$JOBD_EVENT_RUN" >>$T/words
fold = 0
[target deaf]
command = exit 3
CONF
"$BIN/jobd" --config "$T/conf" --check-config >/dev/null || fail "the configuration is refused"
start_jobd --config "$T/conf"

# The line with the number N of what was told, once it is there.
told() {
	until [ "$(wc -l <"$T/told" 2>/dev/null || echo 0)" -ge "$1" ]; do sleep 0.05; done
	sed -n "${1}p" "$T/told"
}

jobctl notify test ops >"$T/out" || fail "the test of ops"
same "the test" "$(cat "$T/out")" "told ops"
same "what it told" "$(told 1 | field event)" test
jobctl notify test deaf 2>"$T/err" && fail "deaf was told"
grep -q 'deaf was not told: exit code 3' "$T/err" || fail "why deaf was not told: $(cat "$T/err")"

jobctl notify test nobody 2>"$T/err" && fail "nobody was told"
grep -q 'needs a section \[target nobody\]' "$T/err" || fail "a test of nobody: $(cat "$T/err")"
jobctl add --notify fail:nobody true 2>"$T/err" && fail "a target that is not there was taken"
grep -q 'no target nobody' "$T/err" || fail "an unknown target: $(cat "$T/err")"
jobctl add --notify feil:ops true 2>"$T/err" && fail "an event that is not there was taken"
grep -q 'notify.*no event feil; did you mean fail?' "$T/err" || fail "an unknown event: $(cat "$T/err")"
jobctl add --notify down:ops true 2>"$T/err" && fail "a command is never down"

jobctl add -n one --notify fail,recover:ops --notify any:ops --wait --sh "test -e $T/good" && fail "it succeeded"
same "the first failure" "$(told 2 | field event) $(told 2 | field run) $(told 2 | field failures)" "fail 1 1"
jobctl trigger one >/dev/null
jobctl wait one 2>/dev/null
same "the second failure" "$(told 3 | field run) $(told 3 | field failures) $(told 3 | field firstRun)" "2 2 1"
: >"$T/good"
jobctl trigger one >/dev/null
jobctl wait one || fail "it does not succeed"
same "the recovery" "$(told 4 | field event) $(told 4 | field failures) $(told 4 | field firstRun)" "recover 2 1"
jobctl trigger one >/dev/null
jobctl wait one || fail "it does not succeed"
jobctl add -n slow --notify timed_out:ops --timeout 100ms --wait sleep 100 2>/dev/null
same "a timeout" "$(told 5 | field event) $(told 5 | field name)" "timed_out slow"
same "the variables" "$(tail -n 1 "$T/words")" "timed_out slow 1"

jobctl add -n other --notify fail:deaf --wait false 2>/dev/null
until [ "$(jobctl notify log deaf --json | field deliveries.0.attempts)" = 1 ]; do sleep 0.05; done
same "a failed delivery" "$(jobctl notify log deaf --json | field deliveries.0.notice.name)" other
same "its error" "$(jobctl notify log deaf --json | field deliveries.0.error)" "exit code 3"
jobctl notify | grep -q "^deaf	command	1	1" || fail "the targets: $(jobctl notify)"
jobctl doctor --json | grep -q 'the target deaf could not be told' || fail "doctor: $(jobctl doctor)"
stop_jobd
