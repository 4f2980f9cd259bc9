#!/bin/sh
# -l and --state choose jobs for every command that takes several, alone or beside names and patterns; what chooses nothing
# is said; and nothing happens to every job unless --all says so.
. "$(dirname "$0")/lib.sh"
start_jobd
for n in 1 2 3; do
	jobctl add -q -n "db-$n" -l team=dba -l "n=$n" --at 2100-01-01T00:00Z true >/dev/null
done
jobctl add -q -n web-1 -l team=web --every 1h --at 2100-01-01T00:00Z true >/dev/null
jobctl add -q -n done -l team=web true >/dev/null
jobctl wait done >/dev/null

for verb in cancel rm pause resume trigger retry skip wait; do
	out=$(jobctl $verb 2>&1)
	same "$verb with nothing" $? 2
	case $out in *"$verb which?"*"--all for every job"*) ;; *) fail "$verb: '$out'" ;; esac
	jobctl $verb --all db-1 >/dev/null 2>&1
	same "$verb --all and a name" $? 2
	out=$(jobctl $verb -l team=nobody 2>&1)
	same "$verb of no label" $? 3
	case $out in *"no job with such a label"*) ;; *) fail "$verb: '$out'" ;; esac
	out=$(jobctl $verb web-1 --state quarantined 2>&1)
	same "$verb in no state" $? 3
	case $out in *"web-1 in such a state"*) ;; *) fail "$verb: '$out'" ;; esac
done
out=$(jobctl pause --state sleepy 2>&1)
same "an unknown state" $? 2
case $out in *"--state"*'"sleepy" is none of scheduled'*) ;; *) fail "got '$out'" ;; esac

same "by label" "$(jobctl pause -l team=dba)" "paused 3 jobs"
same "by two labels" "$(jobctl resume -l team=dba -l n=2)" "resumed 1 job"
same "by state" "$(jobctl resume --state paused)" "resumed 2 jobs"
same "by pattern and label" "$(jobctl pause '*-1' -l team=web)" "paused 1 job"
same "a name and its state" "$(jobctl resume web-1 --state paused)" "resumed 1 job"
same "every job" "$(jobctl pause --all)" "paused 4 jobs"
same "every job" "$(jobctl resume --all)" "resumed 4 jobs"
runs=$(jobctl trigger -q -l team=dba)
same "trigger" "$(echo "$runs" | wc -l)" 3
jobctl wait $runs || fail "wait for what was triggered"
same "it ran" "$(jobctl runs db-3 --no-headers | wc -l)" 1
jobctl wait -l team=web --state finished || fail "wait by label and state"
same "skip" "$(jobctl skip -l team=web --state scheduled | wc -l)" 1
jobctl cancel -l team=dba 2>"$T/nothing" || fail "cancel"
same "cancel of nothing active" "$(cat "$T/nothing")" "jobctl: nothing was active"
same "rm by state" "$(jobctl rm --state finished)" "removed 1 job"
same "what is left" "$(jobctl list --no-headers | wc -l)" 4
same "rm" "$(jobctl rm --all)" "removed 4 jobs"
jobctl rm --all 2>/dev/null
same "rm of nothing" $? 3

jobctl add -q -n deaf -l team=ops --sh "trap 'echo usr1; exit 4' USR1; echo ready; while :; do sleep 0.02; done" >/dev/null
until jobctl logs deaf 2>/dev/null | grep -q ready; do kill -0 "$JOBD" || fail "jobd has gone"; done
same "a signal by label" "$(jobctl signal -l team=ops USR1)" "signaled $(jobctl show deaf --json | field job.id).1"
jobctl wait deaf 2>/dev/null
same "it came" $? 4
same "a signal to what does not run" "$(jobctl signal -l team=ops USR1 2>&1)" "jobctl: nothing runs"
out=$(jobctl signal USR1 2>&1)
same "a signal to nobody" $? 2
case $out in *"signal which?"*) ;; *) fail "got '$out'" ;; esac
same "tried again by label" "$(jobctl retry -l team=ops)" "queued $(jobctl show deaf --json | field job.id).1"
jobctl cancel -q -l team=ops
stop_jobd
