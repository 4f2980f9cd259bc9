#!/bin/sh
# set changes lines of a job's file: keys whatever their case, lists, back to the default; all of it or nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobfile.sh"
printf '[target ops]\ncommand = true\n' >"$T/conf"
start_jobd --config "$T/conf"

# refuses "text" CODE ARG...: set ARG... exits with CODE and says this.
refuses() {
	text=$1 code=$2
	shift 2
	jobctl set "$@" >"$T/out" 2>"$T/err"
	same "set $* is refused" $? "$code"
	grep -qF -- "$text" "$T/err" || fail "set $*: wanted '$text' in: $(cat "$T/err")"
	same "set $* says nothing else" "$(cat "$T/out")" ""
}

jobctl add -q -n backup --cron '0 3 * * *' --timeout 1h -l team=dba --paused -- /bin/echo 'two words' >/dev/null
same "changed" "$(jobctl set backup Timeout=2h Retries=3)" "changed  backup (job 1), generation 2"
has backup Timeout=2h Retries=3 'Cron=0 3 * * *' "Command=/bin/echo 'two words'" Label=team=dba
same "whatever the case" "$(jobctl set backup tIMEOUT=3h)" "changed  backup (job 1), generation 3"
same "it is so already" "$(jobctl set backup Timeout=180m)" "nothing to change"
same "the schedule" "$(jobctl set backup Cron= Every=30m)" "changed  backup (job 1), generation 4, with another schedule"
has backup Every=30m
jobctl set backup Timeout= >/dev/null || fail "back to the default"
jobctl export backup | grep -q '^Timeout' && fail "it has its timeout"
same "of one and only" "$(jobctl set backup Timeout=)" "nothing to change"

# Values stand as they are; Command is words.
jobctl set backup 'Description="so called" # ; x' 'Command=echo "a b" c' >/dev/null || fail "values with all in them"
same "as it stood" "$(jobctl show backup --json | field job.spec.description)" '"so called" # ; x'
same "words" "$(jobctl show backup --json | field job.spec.command.argv)" '["echo","a b","c"]'
jobctl set backup Shell='echo "$HOME"' >/dev/null || fail "a text for the shell"
has backup 'Shell=echo "$HOME"'

# Lists become what is given.
jobctl set backup Notify=fail:ops Notify=missed:ops Environment=A=1 >/dev/null || fail "a list"
has backup Notify=fail:ops Notify=missed:ops Environment=A=1
jobctl set backup Notify=recover:ops >/dev/null || fail "another"
same "that alone" "$(jobctl export backup | grep -c '^Notify')" 1
jobctl set backup Notify= Environment= label= >/dev/null || fail "none"
jobctl export backup | grep -qE '^(Notify|Environment|Label)' && fail "lists are left"

# A dry run says it, and does nothing.
same "a dry run" "$(jobctl set --dry-run backup Retries=5)" "backup changed
    [Job]
  - Retries=3
  + Retries=5"
has backup Retries=3
same "and nothing" "$(jobctl set --dry-run backup Retries=3)" "nothing to change"
same "as JSON" "$(jobctl set --json --dry-run backup Retries=5 | field changed)" \
	'[{"name":"backup","job":1,"generation":10,"rescheduled":false}]'

# A key that two sections have.
jobctl add -q -n site --every 1h --paused --http http://127.0.0.1:1/ >/dev/null
jobctl add -q -n beat --every 1h --grace 5m --paused --heartbeat >/dev/null
jobctl set site FailAfter=3 >/dev/null || fail "of a check"
jobctl set beat FailAfter=4 >/dev/null || fail "of a heartbeat"
same "the check's" "$(jobctl show site --json | field job.spec.http.failAfter)" 3
same "the heartbeat's" "$(jobctl show beat --json | field job.spec.failAfter)" 4
jobctl set site http.okafter=2 >/dev/null || fail "said with its section"
same "it, too" "$(jobctl show site --json | field job.spec.http.okAfter)" 2
refuses 'backup: FailAfter is a key of [Http] and of [Job], and the job is a command: write Http.FailAfter or Job.FailAfter' 2 \
	backup FailAfter=3
# A file's text and its name are one field.
printf 'x' >"$T/body"
jobctl set site Method=POST Body=abc >/dev/null || fail "a text"
jobctl set site "BodyFile=$T/body" >/dev/null || fail "from a file"
same "what is in it" "$(jobctl show site --json | field job.spec.http.body)" x

# What is wrong is told by the key, and nothing is done.
refuses 'backup: there is no key Timout; did you mean Timeout?' 2 backup Timout=2h
refuses 'backup: there is no key evry; did you mean Every?' 2 backup evry=2h
refuses 'backup: there is no key tz; did you mean TimeZone?' 2 backup tz=UTC
refuses 'backup: there is no key Zzzzz: job(5) has all of them, jobctl export those of a job' 2 backup Zzzzz=1
refuses 'backup: a key is missing before the =' 2 backup =5
refuses 'backup: there is no key Timeout in [Http]: it belongs into [Job]' 2 backup Http.Timeout=1s
refuses 'backup: Retries: "many" is not a number' 2 backup Retries=many Timeout=1h
refuses 'backup: Retries: it has one value, and is given twice' 2 backup Retries=1 Retries=2
refuses 'backup: Cron: only one of Cron, Calendar, Every and OnBoot may be given' 2 backup 'Cron=0 3 * * *'
refuses 'backup: Url is a key of [Http], and the job is a command, which it stays' 2 backup Url=http://a/
refuses 'backup: Directory: "here" is not a path that begins with /' 2 backup Directory=here
refuses 'backup: another job has this name: site' 6 backup Name=site
refuses 'there is no job nobody' 3 nobody Retries=1
refuses 'there is no job bakup; did you mean backup?' 3 bakup Retries=1
refuses 'set what? Say KEY=VALUE, like Timeout=2h' 2 backup Timeout
refuses 'set Retries=1 of which job?' 2 Retries=1
refuses '"nightly" is no KEY=VALUE' 2 backup Description=the nightly
has backup Retries=3 Every=30m

# Several at once: all or nothing.
same "two, and one of them twice" "$(jobctl set backup beat 1 Grace=7m)" "changed  backup (job 1), generation 11
changed  beat (job 3), generation 3"
refuses 'beat: Nice is a key of [Command], and the job is a heartbeat, which it stays' 2 backup beat Nice=5 Grace=8m
jobctl export backup beat | grep -qE '^(Nice|Grace=8m)' && fail "one of two is changed"
refuses 'beat: another job has this name: backup' 6 --dry-run beat Name=backup
jobctl add -q -n db-a --every 1h --paused -- /bin/true >/dev/null
jobctl add -q -n db-b --every 1h --paused -- /bin/true >/dev/null
jobctl set 'db-*' Retries=2 >"$T/out" || fail "a pattern"
same "all that match" "$(cat "$T/out")" "changed  db-a (job 4), generation 2
changed  db-b (job 5), generation 2"
refuses 'no job of yours matches no-*' 3 'no-*' Retries=2

# One without a name goes by its id, until it is given one.
id=$(jobctl add -q --every 1h --paused -- /bin/true)
same "by its id" "$(jobctl set "$id" Every=2h)" "changed  $id (job $id), generation 2, with another schedule"
same "it has none" "$(jobctl show "$id" --json | grep -c '"name"')" 0
jobctl set "$id" Name=fresh >/dev/null || fail "a name"
has fresh Every=2h

# What is kept in files is told, and the next apply brings the file's back.
mkdir "$T/jobs"
printf '[Schedule]\nEvery=1h\n[Command]\nCommand=true\n' >"$T/jobs/kept.job"
jobctl apply -f "$T/jobs" >/dev/null || fail "apply"
jobctl set kept Retries=2 >"$T/out" 2>"$T/err" || fail "one of a file"
same "where it is from" "$(cat "$T/err")" "jobctl: note: kept is from $T/jobs, and the next apply of that makes it so again"
same "it is so" "$(jobctl diff -f "$T/jobs")" "kept changed
    [Job]
  - Retries=2"
jobctl audit >/dev/null || fail "the audit"
stop_jobd
