#!/bin/sh
# A command that names several jobs does all of them or, when one is refused, none; by whatever it is refused.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n idle --every 1h -- true >/dev/null
jobctl add -q -n once --in 1h -- true >/dev/null
jobctl add -q -n long --sh 'exec sleep 1000' >/dev/null
jobctl add -q -n longer --sh 'exec sleep 1000' >/dev/null
jobctl wait --until started --timeout 20s long longer || fail "they do not start"
jobctl add -q -n bad -- false >/dev/null
jobctl wait idle bad >/dev/null 2>&1
runs() { jobctl runs "$1" --no-headers | wc -l; }
state() { jobctl show "$1" --json | field job.state; }
refused() {
	what=$1 code=$2 text=$3
	shift 3
	jobctl "$@" >"$T/out" 2>"$T/err"
	same "$what: its exit code" $? "$code"
	grep -qF -- "$text" "$T/err" || fail "$what: got '$(cat "$T/err")'"
	[ ! -s "$T/out" ] || fail "$what: something was done: $(cat "$T/out")"
}

refused "rm of one that runs" 6 "job 3 has an active run" rm idle long
same "the other is still there" "$(state idle)" scheduled
refused "rm by a pattern" 6 "has an active run" rm 'l*' idle
same "the other is still there" "$(state idle)" scheduled
refused "rm of one that is not there" 3 "no job is called nobody" rm idle nobody
same "the other is still there" "$(state idle)" scheduled

refused "cancel of a run that is over" 6 "run 1.1 is over" cancel long 1.1
same "the other runs on" "$(state long)" running
refused "cancel of a run that never was" 3 "there is no run 1.99" cancel long 1.99
same "the other runs on" "$(state long)" running
refused "a signal to one that does not run" 6 "job 2 does not run" signal long once TERM
same "the other runs on" "$(state long)" running

refused "retry of what has succeeded" 6 "run 1.1 has succeeded" retry bad idle
refused "retry of what has not run" 6 "job 2 has not run yet" retry bad once
same "the other was not tried again" "$(jobctl runs bad --json | field runs.0.attempt)" 1
refused "skip of what comes once" 6 "job 2 has no occurrences to come" skip idle once
due=$(jobctl show idle --json | field job.nextDue)
refused "skip of one that is not there" 3 "no job is called nobody" skip idle nobody
same "nothing was skipped" "$(jobctl show idle --json | field job.nextDue)" "$due"
same "nor counted" "$(jobctl show idle --json | field job.skips)" 0

# What is good is done as ever.
same "skip of two" "$(jobctl skip idle idle | wc -l)" 1
same "rm with cancel" "$(jobctl rm --cancel idle long)" "removed 2 jobs"

# A job of somebody else's.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$T"; chmod 666 "$S"
	cp "$BIN/jobctl" "$T/jobctl" && chmod 755 "$T/jobctl"
	other() { setpriv --reuid 65534 --regid 65534 --clear-groups -- "$T/jobctl" "$@"; }
	other add -q -C / -n mine --every 1h -- false >/dev/null
	jobctl wait mine >/dev/null 2>&1
	before=$(runs mine)
	for verb in pause trigger rm skip cancel retry; do
		other $verb mine once >"$T/out" 2>/dev/null
		same "$verb beside another's" $? 4
		[ ! -s "$T/out" ] || fail "$verb: something was done: $(cat "$T/out")"
	done
	same "it is as it was" "$(state mine)" scheduled
	same "nothing ran" "$(runs mine)" "$before"
	same "alone it may" "$(other pause mine)" "paused 1 job"
else
	echo "NOTE: not root with setpriv (util-linux): jobs of others were not tested"
fi
jobctl rm -q --cancel --all
stop_jobd
