#!/bin/sh
# What jobctl says when something is wrong, or when nothing was done, names what the user has typed.
. "$(dirname "$0")/lib.sh"
printf '[target ops]\ncommand = true\n' >"$T/conf"
start_jobd --config "$T/conf"
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
says 2 "--limit: must be more than 0" list --limit -1
# Nothing is taken for "as if it were not given".
for zero in "add --output-max 0" "add --slots 0" "add --misfire-window 0 --every 1h" "list --limit 0" "runs --limit 0" \
	"logs --attempt 0" "doctor --since 0" "next -n 0"; do
	says 2 ": must be more than 0" $zero true
done
says 2 "--until: must not be before --from" add --every 1h --from 2030-01-02 --until 2030-01-01 true
says 2 "--after: its parents say when: --at, --every, --cron, --calendar and --on-boot go without it" \
	add --after x --every 1h true
says 2 "--at: --on-boot says when: as the host boots" add --on-boot --at 18:30 true
says 2 "give only one of --cron, --calendar and --every" next --every 1h --cron @daily
says 2 "--env (-e): jobd sets JOBD_JOB itself" add -e JOBD_JOB=7 true
says 2 "show is for one job, and w* is a pattern" show 'w*'
says 2 "status is for one job, and w* is a pattern" status 'w*'
says 2 "--heartbeat: needs --every, --cron or --calendar, which says when it is expected" add --heartbeat
says 2 "--label (-l): must be key=value" list -l a
says 2 "--timer: 99999999999999d is too long" add --timer 99999999999999d
says 3 "no job is called nosuch" show nosuch
says 3 "there is no job 77" wait 77
says 3 "there is no run 77.1" logs 77.1
id=$(jobctl add -q -e JOBD_SOCKET=/x true)
check "a run" jobctl wait "$id"
says 3 "there is no run $id.0" status "$id.0"
says 2 "--from: must be past" backfill "$id" --from 2099-01-01
same "the list by the id of one without a name" "$(jobctl list --no-headers "$id" | cut -f1)" "$id"
same "and by a pattern" "$(jobctl list --no-headers "[$id]" | cut -f1)" "$id"
says 3 "no job matches zz*" cancel 'zz*'

# What was probably meant, of what there is just now.
jobctl add -q -n nightly -l team=dba --in 1h true >/dev/null
jobctl queue -q add heavy --slots 2
says 3 "no job is called nigthly; did you mean nightly?" show nigthly
says 3 "no job is called ightly; did you mean nightly?" logs ightly
says 3 "no job is called nightli; did you mean nightly?" add --after nightli true
says 3 "there is no queue haevy; did you mean heavy?" queue set haevy --slots 3
says 0 "queue heavi is new, with 1 slot; did you mean heavy?" add --in 1h --queue heavi true
says 0 "there is no queue hevy yet: it would be made; did you mean heavy?" add --dry-run --in 1h --queue hevy true
says 2 'signal: "sigtrem" is no signal; did you mean TERM?' signal nightly sigtrem
says 2 'signal: "0" is no signal: a name, like HUP' signal nightly 0
says 2 "there is no event recovr; did you mean recover?" add --notify fail,recovr:ops true
says 2 "there is no target osp in jobd's configuration; did you mean ops?" add --notify fail:osp true
says 2 "there is no target opps in jobd's configuration; did you mean ops?" notify test opps
says 2 'there is no command "lgs"; did you mean "logs"?' lgs
says 2 "--tz is for a schedule without a job" next nightly --tz Europe/Berlin

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
jobctl status bad >"$T/out"
check "nothing is told twice" grep -q '^Run [0-9.]* failed (exit 3) .*s\.$' "$T/out"
took=$(sed -n 's/.* after \(.*\)\.$/\1/p' "$T/out")
check "one duration is one text" sh -c "'$BIN/jobctl' why bad | grep -qF 'failed after $took'"
jobctl reload --help >"$T/out"
check "no blank at the end of a usage" grep -qx "usage: jobctl reload \[OPTIONS\]" "$T/out"
jobctl add -q -n check --every 1h --http http://127.0.0.1:1/ --fail-after 3 --quick-retries 0 >/dev/null
jobctl wait check 2>/dev/null
check "why calls an option as it is typed" sh -c "'$BIN/jobctl' why check | grep -q 'it is down after 3 (--fail-after)'"
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
