#!/bin/sh
# A signal goes to the main process and its group; the run goes on. Who may not, and what cannot be, is told.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/fifo"
jobctl add -q -n s --sh "
	trap 'echo hup' HUP; trap 'echo usr1; exit 5' USR1
	sh -c 'trap \"echo child >$T/child\" HUP; echo ready >$T/fifo; while :; do sleep 0.05; done' &
	while :; do sleep 0.05; done" >/dev/null
read -r _ <"$T/fifo"
same "the answer" "$(jobctl signal s HUP)" "signaled 1.1"
while [ ! -s "$T/child" ]; do sleep 0.02; done
while [ "$(jobctl logs s)" != hup ]; do sleep 0.02; done
same "it goes on" "$(jobctl show s --json | field job.state)" running

# By name with SIG, by number.
jobctl signal -q 1.1 sigusr1
jobctl wait s 2>/dev/null
same "its code" "$(jobctl show s --json | field job.lastRun.exitCode)" 5

refused() {
	want=$1 code=$2
	shift 2
	jobctl "$@" 2>"$T/err"
	same "the code of $*" $? "$code"
	grep -q "$want" "$T/err" || fail "jobctl $*: wanted '$want', got '$(cat "$T/err")'"
}
refused "run 1.1 is over" 6 signal 1.1 HUP
refused "job 1 does not run" 6 signal s HUP
refused "is no signal" 2 signal s NONE
refused "is no signal" 2 signal s 65
refused "x" 3 signal x HUP
jobctl add -q -n t --timer 1000s >/dev/null
refused "is no command" 6 signal 2.1 HUP
jobctl add -q -n u --sh 'exec sleep 1000' >/dev/null
while [ -z "$(jobctl show u --json | field job.lastRun.pid)" ]; do sleep 0.02; done
same "a number" "$(jobctl signal 'u*' 9)" "signaled 3.1"
jobctl wait u 2>/dev/null
same "its signal" "$(jobctl show u --json | field job.lastRun.signal)" 9
if [ "$(id -u)" = 0 ]; then
	jobctl add -q -n v --sh 'exec sleep 1000' >/dev/null
	chmod 755 "$T"
	chmod 666 "$S"
	setpriv --reuid 65534 --clear-groups "$BIN/jobctl" signal v KILL 2>/dev/null
	same "a stranger" $? 4
	setpriv --reuid 65534 --clear-groups "$BIN/jobctl" daemon reexec 2>/dev/null
	same "a stranger who asks for more" $? 4
fi
stop_jobd
