#!/bin/sh
# A command that writes numbered lines and is followed, through a killed jobd, a restart, and both programs executed
# anew: every line comes once, its end is recorded; nobody is refused meanwhile.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n lines --sh "i=0; while [ ! -e $T/stop ]; do i=\$((i+1)); echo \$i; sleep 0.005; done; echo end \$i; exit 7" >/dev/null
mkfifo "$T/out"
jobctl logs -f lines >"$T/followed" 2>"$T/errors" &
follower=$!
jobctl logs -f --tail 0 lines >"$T/tail" 2>>"$T/errors" &
tailer=$!
# Wait until so many more lines have come.
more() {
	n=$(($(wc -l <"$T/followed") + $1))
	while [ "$(wc -l <"$T/followed")" -lt "$n" ]; do
		kill -0 $follower || fail "the follower has gone: $(cat "$T/errors")"
		sleep 0.02
	done
}
more 10
runner=$(runner_pid)
pid=$(jobctl show lines --json | field job.lastRun.pid)

kill_jobd
start_jobd
more 10
stop_jobd
start_jobd
more 10

# The runner alone, then jobd alone, then both; the processes stay.
since() {
	jobctl stats --json | field startedAt
}
was=$(since)
descriptors() {
	ls "/proc/$JOBD/fd" | wc -l
}
held=$(descriptors)
check "reexec --runner" jobctl daemon reexec -q --runner
same "jobd is the same" "$(since)" "$was"
same "the runner's pid" "$(runner_pid)" "$runner"
more 10
check "reexec --daemon" jobctl daemon reexec -q --daemon
[ "$(since)" != "$was" ] || fail "jobd was not executed anew"
kill -0 "$JOBD" || fail "jobd has another pid"
more 10
for i in 1 2 3; do
	# Whoever asks meanwhile is answered, by the old one or the new.
	jobctl daemon reexec | grep -q "^jobd .* runs, pid $JOBD" || fail "reexec says nothing of the new one"
	jobctl list >/dev/null || fail "refused"
	more 5
done
tries=250
while [ "$(descriptors)" -gt "$held" ]; do
	[ $((tries -= 1)) -gt 0 ] || fail "descriptors: $(descriptors), before: $held"
	sleep 0.02
done
same "the command" "$(jobctl show lines --json | field job.lastRun.pid)" "$pid"
"$BIN/jobd" --socket "$T/other" --state-dir "$T/state" 2>"$T/second" && fail "a second jobd has the state directory"
grep -q "another jobd" "$T/second" || fail "$(cat "$T/second")"

# It ends while no jobd lives.
stop_jobd
touch "$T/stop"
"$TOOLS/gone" "$pid" 10 || fail "the command goes on"
start_jobd
wait $follower
wait $tailer
jobctl wait lines 2>/dev/null
same "its code" $? 7
last=$(sed -n 's/^end //p' "$T/followed")
{ seq "$last"; echo "end $last"; } >"$T/wanted"
cmp "$T/wanted" "$T/followed" || fail "lines were lost or doubled by following: $(diff "$T/wanted" "$T/followed" | head -n 5)"
jobctl logs lines >"$T/kept"
cmp "$T/wanted" "$T/kept" || fail "lines were lost or doubled in the file"
first=$(head -n 1 "$T/tail")
tail -n +"$first" "$T/wanted" >"$T/wanted-tail"
cmp "$T/wanted-tail" "$T/tail" || fail "the tail has lost or doubled lines: $(diff "$T/wanted-tail" "$T/tail" | head -n 5)"
grep -q "jobd-runner cannot be used" "$T/log" && fail "the runner was out of reach"

# A program that cannot follow is noticed before, and all goes on.
jobctl add -q -n stay --sh "echo \$\$ >$T/stay; exec sleep 1000" >/dev/null
while [ ! -s "$T/stay" ]; do sleep 0.02; done
stop_jobd
mkdir "$T/bin"
cp "$BIN/jobd" "$T/bin/jobd"
JOBD=$("$TOOLS/ready" "$T/log" "$T/bin/jobd" --socket "$S" --state-dir "$T/state" --runner "$T/state/runner/io.jobd.Runner") || fail "it does not start"
while [ "$(jobctl stats --json | field runnerConnected)" != true ]; do sleep 0.02; done
mv "$T/bin/jobd" "$T/bin/old"
printf '#!/bin/sh\nexit 3\n' >"$T/bin/jobd"
chmod +x "$T/bin/jobd"
jobctl daemon reexec --daemon 2>"$T/err" && fail "a program that does not start was executed"
grep -q "does not start" "$T/err" || fail "$(cat "$T/err")"
rm "$T/bin/jobd"
jobctl daemon reexec --daemon 2>"$T/err" && fail "a program that is not there was executed"
grep -q "No such file" "$T/err" || fail "$(cat "$T/err")"
kill -0 "$(cat "$T/stay")" || fail "a command was ended"
jobctl cancel stay >/dev/null
jobctl wait stay 2>/dev/null
stop_jobd
