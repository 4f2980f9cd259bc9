#!/bin/sh
# A command runs, its output is kept by stream, its exit code is the client's.
. "$(dirname "$0")/lib.sh"
start_jobd

out=$(jobctl run --sh 'echo to stdout; echo to stderr >&2; exit 7' 2>"$T/err")
same "exit code of run" $? 7
same "standard output" "$out" "to stdout"
grep -qx "to stderr" "$T/err" || fail "standard error was: $(cat "$T/err")"

id=$(jobctl add -q --wait -- sh -c 'echo $JOBD_JOB $JOBD_RUN $JOBD_ATTEMPT; pwd; cat') || fail "add --wait: $?"
same "environment and directory" "$(jobctl logs "$id" | tr '\n' ' ')" "$id $id.1 1 $PWD "
same "state" "$(jobctl show "$id" --json | field job.state)" finished
same "run state" "$(jobctl show "$id" --json | field job.lastRun.state)" succeeded
stop_jobd
