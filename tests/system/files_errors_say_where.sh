#!/bin/sh
# What is wrong in a file is told with file, line, key, and what would be right; nothing is done.
. "$(dirname "$0")/lib.sh"
F=$T/bad.job
start_jobd
says() {
	jobctl apply -f "$F" 2>"$T/err"
	same "$1" $? 2
	shift
	for line; do
		grep -qF "$F:$line" "$T/err" || fail "wanted '$line' in: $(cat "$T/err")"
	done
}
printf '[Job]\nRetries=abc\nRetires=3\nCron=0 3 * * *\n[Shedule]\nEvery=1h\n[Schedule]\nEvery=1x\n[Command]\nCommand=echo '"'"'a\n' >"$F"
says "many" '2: Retries: "abc" is not a number' '3: there is no key Retires in [Job]; did you mean Retries?' \
	'4: Cron belongs into [Schedule]' '6: there is no section [Shedule]; did you mean [Schedule]?' \
	'8: Every: "1x" is not a duration' '10: Command: it is empty, or a quote'
# What only jobd can know is told of its line, too.
printf '# a comment\n\n[Schedule]\nCron=0 3 * *\n[Command]\nCommand=true\n' >"$F"
says "jobd's word" '4: Cron: at its end: 4 fields'
printf '[Schedule]\nEvery=1h\nCron=0 3 * * *\n[Command]\nCommand=true\n' >"$F"
says "two schedules" '3: Cron: only one of Cron, Calendar, Every and OnBoot may be given'
printf '[Job]\nName=a\n[Schedule]\nCron=0 25 * * *\n[Command]\nCommand=true\n[Job]\nName=b\n[Schedule]\nEvery=1h\nCron=@daily\n[Command]\nCommand=true\n' >"$F"
says "all that only jobd can tell" '4: Cron: ' '11: Cron: only one of'
jobctl apply -f "$F" --dry-run >"$T/out" 2>"$T/err"
same "a dry run as well" $? 2
same "tells the same" "$(cut -d: -f3 "$T/err" | paste -sd ' ')" "4 11"
same "and plans nothing" "$(cat "$T/out")" ""
printf '[Job]\nDescription=x\n' >"$F"
says "no kind" '1: what shall it do? Give one of Command and Shell in [Command]'
printf '[Command]\nCommand=true\nDirectory=here\n' >"$F"
says "a relative path" '3: Directory: "here" is not a path that begins with /'
printf '[Command]\nCommand=true\nMemory=much\n[Schedule]\nAt=18:30\nBackoff=x\n' >"$F"
says "values" '3: Memory: "much" is not a size' '5: At: "18:30" is not a time with its date' '6: Backoff belongs into [Job]'
printf '[Command]\nCommand=true\n[Job]\nBackoff=never\n' >"$F"
says "of several fields" '4: Backoff: "never" is neither exp:1s..1h nor fixed:30s'
printf '[Http]\nUrl=http://a/\n[Command]\nNice=5\n' >"$F"
says "of another kind" '4: Nice is not for a job of the kind http'
printf '[Command]\nCommand=true\nnonsense\n' >"$F"
says "no key" '3: a line is [Section], Key=value, or a comment'
printf 'Retries=3\n' >"$F"
says "no section" '1: it stands in no section'
printf '[Job]\nName=a\n[Command]\nCommand=true\n[Job]\n[Command]\nCommand=true\n' >"$F"
says "the second needs a name" '5: it has no Name'
printf '[Job]\nName=a\n[Command]\nCommand=true\n[Job]\nName=a\n[Command]\nCommand=true\n' >"$F"
says "a name twice" '5: the job a is there already'
printf '[Job]\nRetries=3\nRetries=4\n[Command]\nCommand=true\n' >"$F"
says "a key twice" '3: Retries is given twice'
: >"$F"
says "empty" '1: there is no job in it'
printf '[Schedule]\nAfter=nobody\n[Command]\nCommand=true\n' >"$F"
jobctl apply -f "$F" 2>"$T/err" && fail "no such parent"
same "nothing was added" "$(jobctl list --json | grep -c '"id"')" 0

# Templates.
F=$T/t@one.job
printf '[Schedule]\nEvery=1h\n[Command]\nCommand=date +%%F %%i\n' >"$T/t@.job"
: >"$F"
jobctl apply -f "$F" 2>"$T/err" && fail "a percent sign in a template"
check "told of the template" grep -q 't@.job:4: Command: in a template % is written %%' "$T/err"
printf '[Schedule]\nEvery=1h\n[Command]\nCommand=date +%%%%F %%i\n' >"$T/t@.job"
jobctl apply -q -f "$F" >/dev/null 2>&1
jobctl apply -f "$F" >/dev/null || fail "an instance"
check "its instance" sh -c 'jobctl() { "$BIN/jobctl" "$@"; }; BIN=$1; jobctl export t@one | grep -q "^Command=date +%F one$"' - "$BIN"
printf '[Schedule]\nEvery=2h\n' >"$F"
jobctl apply -f "$F" >/dev/null || fail "an instance of its own"
check "its own key" sh -c '"$1/jobctl" export t@one | grep -q "^Every=2h$"' - "$BIN"
jobctl apply -f "$T/t@.job" 2>"$T/err" && fail "a template is no job"
check "says what it is" grep -q 'it is a template' "$T/err"
stop_jobd
