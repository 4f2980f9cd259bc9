#!/bin/sh
# What jobctl run is told goes to the command: INT, QUIT, USR1. A second INT cancels the run; of a run that has not begun the
# first one does.
. "$(dirname "$0")/lib.sh"
mkdir "$T/conf"
printf '[limits]\ncommands = 1\n' >"$T/conf/jobd.conf"
start_jobd --config "$T/conf/jobd.conf"

# run NAME TEXT: in the background, until the command has said that it is ready.
run() {
	name=$1
	"$BIN/jobctl" run -n "$name" --grace 100ms --sh "$2" >"$T/$name.out" 2>"$T/$name.err" &
	client=$!
	says "$name.out" ready
}

# Until the file has that line, as long as the client lives.
says() {
	while ! grep -q "$2" "$T/$1"; do
		kill -0 $client 2>/dev/null || fail "the client has gone without '$2': $(cat "$T/$1" "$T/$name.err")"
		sleep 0.02
	done
}

# It listens to signals a moment after it has added the job.
listens() {
	while ! ls -l "/proc/$client/fd" | grep -q signalfd; do
		kill -0 $client || fail "the client has gone: $(cat "$T/$name.err")"
		sleep 0.02
	done
}

code() {
	wait $client
	same "the code of $name" $? "$1"
}

run int "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.02; done"
kill -INT $client
code 3
same "what it said" "$(tail -n 1 "$T/int.out")" caught
grep -q "sent SIGINT to the command" "$T/int.err" || fail "nothing tells of it: $(cat "$T/int.err")"
same "its state" "$(jobctl show int --json | field job.lastRun.state)" failed

# These are passed on as often as they come, and do not count.
run usr "trap 'echo usr1' USR1; trap 'echo quit' QUIT; trap 'echo int; exit 5' INT; echo ready; while :; do sleep 0.02; done"
kill -USR1 $client
says usr.out usr1
kill -QUIT $client
says usr.out quit
kill -INT $client
code 5
same "all it said" "$(paste -sd ' ' "$T/usr.out")" "ready usr1 quit int"
grep -q canceling "$T/usr.err" && fail "it was canceled: $(cat "$T/usr.err")"

# It does not care: the second one ends it.
run deaf "trap 'echo no' INT; trap '' TERM; echo ready; while :; do sleep 0.02; done"
kill -INT $client
says deaf.out no
kill -INT $client
says deaf.err "canceling"
"$TOOLS/gone" $client 30 || fail "the client waits on"
code 130
same "its state" "$(jobctl show deaf --json | field job.lastRun.state)" canceled

# There is no room for it: nothing to be told, so it is canceled at once.
jobctl add -q -n holder --sh 'exec sleep 1000' >/dev/null
jobctl wait holder --until started >/dev/null
name=queued
"$BIN/jobctl" run -n queued --sh "echo ran >$T/ran" >"$T/queued.out" 2>"$T/queued.err" &
client=$!
listens
kill -INT $client
code 130
grep -q "canceling" "$T/queued.err" || fail "$(cat "$T/queued.err")"
grep -q "sent SIGINT" "$T/queued.err" && fail "it says that a signal was sent to nobody"
same "its state" "$(jobctl show queued --json | field job.lastRun.state)" canceled

# It waits for another job: there is nothing to be canceled, so it goes as it came.
name=after
"$BIN/jobctl" run -n after --after holder --sh "echo ran >$T/ran" >"$T/after.out" 2>"$T/after.err" &
client=$!
listens
kill -INT $client
code 130
grep -q "had not begun" "$T/after.err" || fail "$(cat "$T/after.err")"
jobctl show after >/dev/null 2>&1 && fail "the job is there"
[ ! -e "$T/ran" ] || fail "it ran"
stop_jobd
