#!/bin/sh
# What jobctl says when something is wrong, or when nothing was done, names what the user has typed.
. "$(dirname "$0")/lib.sh"
start_jobd
# says CODE "WORDS" ARGS...: the words are a part of what goes to stderr.
says() {
	code=$1 words=$2
	shift 2
	jobctl "$@" >"$T/out" 2>"$T/err"
	same "exit code of $*" $? "$code"
	grep -qF -e "$words" "$T/err" || fail "$*: said '$(cat "$T/err")', wanted '$words'"
}
says 2 "--in: --at and --in exclude one another" add --in 1h --at 18:30 true
says 2 "only one of --cron, --calendar, --every and --on-boot" add --cron '0 0 * * *' --every 1h true
says 2 '--state: "failed" is none of scheduled, ' list --state failed
says 2 '--state: "foo" is none of queued, running, ' runs --state foo
says 2 '--misfire: "always" is none of default, once, ' add --misfire always --every 1h true
says 2 '--overlap: "skp" is none of skip, queue, parallel, replace; did you mean skip?' add --overlap skp --every 1h true
says 2 '--state: "runing" is none of' list --state runing
says 2 'did you mean running?' list --state runing
says 2 'unknown option --retires; did you mean --retries?' add --retires 3 true
says 2 "--limit: must be from 0 to 1000" list --limit -1
says 2 "--label (-l): must be key=value" list -l a
says 2 "--timer: 99999999999999d is too long" add --timer 99999999999999d
says 3 "no job is called nosuch" show nosuch
says 3 "there is no job 77" wait 77
says 3 "there is no run 77.1" logs 77.1
says 3 "no job matches zz*" cancel 'zz*'

id=$(jobctl add -q --in 1h --key k true)
says 0 "job $id has this key already: nothing was added" add --in 1h --key k true
same "a key that is there: stdout" "$(cat "$T/out")" ""
same "and --json" "$(jobctl add --json --in 1h --key k true 2>/dev/null | field existing.0)" "$id"
same "it is quiet when asked to" "$(jobctl add -q --in 1h --key k true 2>&1)" "$id"
same "pause" "$(jobctl pause "$id")" "paused 1 job"
says 0 "nothing to do" pause "$id"
same "resume" "$(jobctl resume "$id")" "resumed 1 job"
says 0 "nothing to do" resume "$id"
says 0 "it has not run yet" logs "$id"

mkfifo "$T/go"
jobctl add -q -n slow --sh "read x <$T/go" >/dev/null
check "it starts" jobctl wait slow --until started
says 6 "rm --cancel" rm slow
says 0 "has no output yet" logs slow
jobctl status slow >"$T/out"
check "status of a running one" grep -q "^After this run nothing more" "$T/out"
echo >"$T/go"
check "it ends" jobctl wait slow
says 0 "has no output" logs slow
says 0 "nothing to do" pause slow
same "name and description are told once" "$(jobctl add -q -n told --desc word --in 1h true >/dev/null; jobctl show told | grep -cE 'told|word')" 2

jobctl add -q -n bad --sh 'exit 3' >/dev/null
says 1 "(bad): exit 3" wait bad slow
jobctl wait bad 2>"$T/err"
same "exit code of one" $? 3
same "what is said of one that has spoken for itself" "$(cat "$T/err")" ""
jobctl stats --help >"$T/out"
check "no blank at the end of a usage" grep -qx "usage: jobctl stats \[OPTIONS\]" "$T/out"
# Jobs without a name, too.
jobctl rm -q '*' || fail "rm *"
same "all are gone" "$(jobctl list --no-headers)" ""

# A remote end that cannot be reached.
mkdir "$T/bin"
printf '#!/bin/sh\nexit 255\n' >"$T/bin/ssh"
chmod +x "$T/bin/ssh"
PATH=$T/bin:$PATH jobctl -H nobody list
same "ssh fails" $? 5
stop_jobd
