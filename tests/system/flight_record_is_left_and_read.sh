#!/bin/sh
# The flight recorder: doctor --dump writes what came and what was decided, SIGABRT does so by itself, jobd --replay
# prints it; and no secret is in either.
. "$(dirname "$0")/lib.sh"
export JOBD_STRICT=1
start_jobd
jobctl add -q -n one --sh 'echo the-secret-of-the-command; exit 3' --env TOKEN=the-secret-of-the-environment -q >/dev/null ||
	fail "add"
jobctl add -q -n check --every 1h --queue slow --http http://127.0.0.1:9/the-secret-of-the-path >/dev/null || fail "add a check"
jobctl wait one >/dev/null 2>&1

jobctl doctor --dump "$T/record" >"$T/told"
grep -q "flight record is in $T/record" "$T/told" || fail "where it is: $(cat "$T/told")"
jobctl doctor --dump "$T/record" >/dev/null 2>"$T/error" && fail "a file was written over"
grep -q "record: File exists" "$T/error" || fail "the reason: $(cat "$T/error")"
check "its rights" test "$(stat -c %a "$T/record")" = 600
check "its rights in the state directory" test "$(stat -c %a "$T/state/flight.dump")" = 600
"$BIN/jobd" --replay "$T/record" >"$T/lines" || fail "replay: $(tail -n 3 "$T/lines")"
for line in 'told     recovered' 'call     Add, by uid' 'commit   add, for Add' 'told     1 added' \
    'decide   1: its occurrence of' 'commit   claim, for run' 'claim    1.1 starts' 'exit     1.1 failed, code 3' \
    'end      1.1 failed' 'job      2 (http), due .*, every 3600 s, queue slow'; do
	grep -q "Z  $line" "$T/lines" || fail "no line '$line' in $(cat "$T/lines")"
done
grep -qE '^All [0-9]+ decisions are the same' "$T/lines" || fail "decided again: $(tail -n 4 "$T/lines")"

# What was late because the loop was held up is no other decision; who held it up stands there.
jobctl add -q -n late --in 1s -- true >/dev/null || fail "add"
debug Block 2000000
jobctl wait late >/dev/null 2>&1
jobctl doctor --dump "$T/held" >/dev/null
"$BIN/jobd" --replay "$T/held" >"$T/lines" || fail "replay"
grep -qE 'Z  loop     blocked .*Block' "$T/lines" || fail "who it was: $(grep 'Z  loop ' "$T/lines")"
grep -qE '^All [0-9]+ decisions are the same' "$T/lines" || fail "decided again: $(tail -n 4 "$T/lines")"
grep -qE '^[0-9]+ (was|were) later in the record, by up to [0-9.]+ s, as the loop was held up then' "$T/lines" ||
	fail "why it was late: $(tail -n 4 "$T/lines")"

jobctl doctor --json --dump | field dump | grep -q "^$T/state/flight.dump$" || fail "the path in JSON"
jobctl doctor "$T/record" 2>"$T/error"
same "a FILE without --dump" "$?" 2
grep -q "goes with --dump" "$T/error" || fail "the reason: $(cat "$T/error")"
jobctl doctor --dump "$T/no/such" 2>"$T/error" >/dev/null
same "where nothing can be written" "$?" 1
grep -q "$T/no/such: No such file" "$T/error" || fail "the reason: $(cat "$T/error")"

# A service manager that has lost patience sends this.
kill -ABRT "$JOBD" && gone "$JOBD"
JOBD=
check "it leaves one" test -s "$T/state/flight.abort"
grep -q "flight record is in the state directory" "$T/log" || fail "the log: $(cat "$T/log")"
"$BIN/jobd" --replay "$T/state/flight.abort" >"$T/lines" || fail "replay"
grep -q ': SIGABRT$' "$T/lines" || fail "the reason: $(head -n 3 "$T/lines")"

for file in "$T/record" "$T/state/flight.dump" "$T/state/flight.abort"; do
	! grep -q "the-secret" "$file" || fail "a secret is in $file"
done

# The next daemon tells of it.
start_jobd
jobctl doctor | grep -q "jobd was aborted" || fail "doctor: $(jobctl doctor)"
jobctl doctor | grep -q "jobd --replay $T/state/flight.abort" || fail "what helps: $(jobctl doctor)"


# So does a failed MUST, with the tree in the log; the one before is kept.
printf '{"method":"io.jobd.debug.Fail"}\0' | "$TOOLS/call" "$S" >/dev/null 2>&1
gone "$JOBD"
JOBD=
"$BIN/jobd" --replay "$T/state/flight.abort" >"$T/lines" || fail "replay after a MUST: $(tail -n 3 "$T/lines")"
grep -q 'MUST.*t->loop == NULL' "$T/lines" || fail "the reason: $(head -n 3 "$T/lines")"
check "the one before" test -s "$T/state/flight.abort.old"
grep -q '^ *Fail start waits for nothing: it runs' "$T/log" || fail "the tree: $(cat "$T/log")"

"$BIN/jobd" --replay "$T/log" 2>"$T/error"
same "what is no record" "$?" 1
grep -q "$T/log: it is no flight record" "$T/error" || fail "the reason: $(cat "$T/error")"
