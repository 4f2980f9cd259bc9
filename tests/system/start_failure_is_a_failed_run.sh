#!/bin/sh
# A job that cannot start is a failed run with the reason in words; the daemon goes on.
. "$(dirname "$0")/lib.sh"
start_jobd

jobctl run -n missing -- no-such-program-here 2>"$T/err"
same "exit code of a missing program" $? 127
grep -q no-such-program-here "$T/err" || fail "the client does not say that it could not be started: $(cat "$T/err")"
jobctl show missing --json | field job.lastRun.reason | grep -q no-such-program-here || fail "the reason does not name the program"

touch "$T/plain"
jobctl run -n plain -- "$T/plain" 2>/dev/null
same "exit code of a file that is no program" $? 126

jobctl run -n nowhere -C "$T/no/such/folder" -- true 2>"$T/err"
same "exit code of a bad directory" $? 125
grep -q no/such/folder "$T/err" || fail "the client does not say why: $(cat "$T/err")"
jobctl show nowhere --json | field job.lastRun.reason | grep -q "no/such/folder" || fail "the reason does not name the directory"

jobctl add -q -n unresolved --http http://no-such-host.invalid/ --wait >/dev/null 2>&1
same "exit code of a check of an unknown host" $? 1
jobctl show unresolved --json | field job.lastRun.reason | grep -q "no-such-host.invalid" || fail "the reason does not name the host"

jobctl run -- true
same "afterwards all is well" $? 0
stop_jobd
