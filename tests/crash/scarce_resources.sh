#!/bin/sh
# Descriptors, processes and memory run out, of jobd or of the runner: that is said in words, costs what is asked for
# meanwhile and nothing else, and is over by itself when there is room.
. "$(dirname "$0")/lib"
command -v prlimit >/dev/null || { echo "SKIP: no prlimit"; exit 0; }

# Leave a process so many descriptors more than it has: the limit is on the number, and low ones may be free.
leave_descriptors() {
	n=0 left=$2
	while :; do
		[ -e "/proc/$1/fd/$n" ] || { [ "$left" -gt 0 ] || break; left=$((left - 1)); }
		n=$((n + 1))
	done
	prlimit --pid "$1" --nofile="$n:$hard"
}

# And so many kB of memory more.
leave_memory() {
	prlimit --pid "$1" --as=$((($(sed -n 's/^VmSize:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status") + $2) * 1024)):unlimited
}

give_back() {
	prlimit --pid "$1" --nofile="$hard:$hard" --as=unlimited
}

# Until a file has a line.
wait_for_line() {
	while ! grep -q "$2" "$1"; do
		kill -0 "$JOBD" 2>/dev/null || fail "jobd has gone before it said: $2"
	done
}

as_nobody() {
	setpriv --reuid nobody --clear-groups "$@"
}

hard=$(ulimit -Hn)

# ---- descriptors of jobd ----

start_jobd
# Enough for a connection, not for a runner of its own.
leave_descriptors "$JOBD" 1
id=$(jobctl add -q -- true) || fail "a job is refused for want of descriptors"
wait_for_line "$T/log" "jobd-runner cannot be used.*Too many open files"
# None at all: whoever comes waits.
leave_descriptors "$JOBD" 0
jobctl list >"$T/list" &
list=$!
wait_for_line "$T/log" "cannot accept a connection.*Too many open files"
give_back "$JOBD"
wait $list || fail "who waited for a descriptor got no answer"
check "the command, when there are descriptors again" jobctl wait "$id" >/dev/null

# ---- descriptors of the runner ----

runner=$(runner_pid)
jobctl add -q -n stays -- sleep 1000 >/dev/null
begun stays
leave_descriptors "$runner" 1
jobctl run -- true 2>"$T/err"
same "exit code without descriptors for a pipe" $? 125
check "it is said" grep -q "cannot make a pipe: too many open files" "$T/err"
give_back "$runner"
same "afterwards" "$(jobctl run -- echo fine)" fine
same "the one that went on" "$(jobctl show stays --json | field job.state)" running
jobctl cancel stays >/dev/null
jobctl wait stays >/dev/null 2>&1
stop_jobd
kill "$runner" && gone "$runner"

# ---- processes: a limit that root does not have ----

if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
	mkdir "$T/nobody" && chmod 711 "$T" && chown nobody "$T/nobody"
	NOBODY=$T/nobody
	JOBD=$(HOME=$NOBODY "$TOOLS/ready" "$T/log" "$(command -v setpriv)" --reuid nobody --clear-groups \
		"$BIN/jobd" --socket "$NOBODY/s" --state-dir "$NOBODY/state") || fail "jobd does not start as nobody"
	export JOBD_SOCKET=$NOBODY/s
	check "a command of nobody's" jobctl run -u nobody -- true
	runner=$(cat "$NOBODY/state/runner/lock")
	# As nobody: not every root may change the limits of others.
	as_nobody prlimit --pid "$runner" --nproc=0:
	jobctl run -u nobody -- true 2>"$T/err"
	same "exit code without processes" $? 125
	check "it is said" grep -q "cannot start a process (clone): resource temporarily unavailable" "$T/err"
	as_nobody prlimit --pid "$runner" --nproc="$(prlimit --nproc --output SOFT --noheadings --raw)":
	check "afterwards" jobctl run -u nobody -- true
	stop_jobd
	kill "$runner" && gone "$runner"
	export JOBD_SOCKET=$S
fi

# ---- memory: a sanitizer wants it all ----

case $BIN in *san-*) exit 0 ;; esac
start_jobd
mkfifo "$T/go"
jobctl add -q -n keeps --sh "read word <$T/go; echo said; exit 9" >/dev/null
begun keeps
runner=$(runner_pid)
# The reserve itself does not fit any more: it is given up as soon as something is wanted that is not there.
leave_memory "$runner" 64
# Twenty at once that want all the room that a command's output may have.
awk 'BEGIN {
	printf "{\"method\":\"io.jobd.Add\",\"parameters\":{\"jobs\":["
	for (i = 1; i <= 20; i++)
		printf "%s{\"name\":\"loud%d\",\"command\":{\"argv\":[\"head\",\"-c\",\"3000000\",\"/dev/zero\"]}}", (i > 1 ? "," : ""), i
	printf "]}}%c", 0
}' | "$TOOLS/call" "$S" >/dev/null
jobctl add -q -n next --sh "echo fine" >/dev/null
# Some wait until memory is given back; the runner lives, and so does what it had.
jobctl wait 'loud*' next --timeout 1s >/dev/null 2>&1
same "the runner" "$(runner_pid)" "$runner"
same "the one that goes on" "$(jobctl show keeps --json | field job.state)" running
give_back "$runner"
jobctl wait 'loud*' next >/dev/null 2>&1
same "the next" "$(jobctl show next --json | field job.lastRun.state)" succeeded
echo word >"$T/go"
jobctl wait keeps 2>/dev/null
same "the code of the one that went on" $? 9
same "its output" "$(jobctl logs keeps)" said
same "the runner, still" "$(runner_pid)" "$runner"

# jobd itself ends for want of memory, and what was acknowledged is there.
for i in $(seq 10); do jobctl add -q --in 24h -- true >>"$T/acked"; done
leave_memory "$JOBD" 64
# A long message wants memory, whatever is in it.
{ head -c 900000 /dev/zero | tr '\0' x; printf '\0'; } | "$TOOLS/call" "$S" >/dev/null 2>&1
"$TOOLS/gone" "$JOBD" 10 || fail "jobd lives on nothing"
check "it is said" grep -q "out of memory" "$T/log"
start_jobd
for id in $(cat "$T/acked"); do jobctl show "$id" >/dev/null || fail "acknowledged job $id is not there"; done
stop_jobd
