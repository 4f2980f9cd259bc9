#!/bin/sh
# A jobd that hangs is told in words, by every command and by doctor; one that takes its time is waited for.
. "$JOBD_SOURCE/tests/system/lib.sh"
export JOBD_PATIENCE=100ms
start_jobd

kill -STOP "$JOBD"
for words in list status "logs -f 1" "wait 1" "watch" "add true" "run true" doctor; do
	jobctl $words >"$T/out" 2>&1
	same "code of $words" $? 5
	grep -q "process $JOBD) is stopped.*kill -CONT $JOBD" "$T/out" || [ "$words" != list ] ||
		fail "$words does not say why: $(cat "$T/out")"
	check "$words has words" grep -q "stopped" "$T/out"
done
kill -CONT "$JOBD"
jobctl list >/dev/null || fail "it does not go on"

# No socket of ours: somebody who takes connections and says nothing.
mkfifo "$T/ready"
"$TOOLS/activate" "$T/hush" /bin/sh -c 'echo >"$1"; exec sleep 1000' sh "$T/ready" &
HUSH=$!
read -r _ <"$T/ready"
jobctl --socket "$T/hush" list 2>"$T/out"
same "code of a silent one" $? 5
grep -q 'no sign of life' "$T/out" || fail "$(cat "$T/out")"
jobctl --socket "$T/hush" doctor >"$T/out" 2>&1
same "doctor's code" $? 5
grep -q 'does not answer' "$T/out" || fail "$(cat "$T/out")"
kill "$HUSH"

# A wait that lasts longer than the patience is no silence.
id=$(jobctl add -q --timer 1s) || fail "add"
jobctl wait "$id" 2>"$T/out" || fail "wait: $(cat "$T/out")"
[ ! -s "$T/out" ] || fail "wait complains: $(cat "$T/out")"
stop_jobd
