#!/bin/sh
# Crontabs of all sorts are taken over: every line is told of, and the firings of each are proved to be the same.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobfile.sh"
C=$(cd "$(dirname "$0")/../corpus/crontab" && pwd)
start_jobd
import() {
	name=$1 taken=$2 refused=$3
	shift 3
	jobctl import "$@" crontab "$C/$name" >"$T/$name" 2>"$T/err" || fail "$name: $(cat "$T/$name" "$T/err")"
	grep -q "^$taken can be taken over, $refused cannot; the firings of 0 differ" "$T/$name" || fail "$name: $(cat "$T/$name")"
	# Every line that is no comment and no variable is there.
	for n in $(grep -nv '^[[:space:]]*#\|^[[:space:]]*$\|^[A-Za-z_]*[[:space:]]*=' "$C/$name" | cut -d: -f1); do
		grep -q "^$C/$name:$n: " "$T/$name" || fail "$name: line $n is not told of"
	done
}
import webserver 12 0
check "each time is proved" [ "$(grep -c '    proved: ' "$T/webserver")" = 11 ]
has cron-certbot 'Description=renew certificates' 'Cron=17 */12 * * *' 'Misfire=skip' \
	"Command=/bin/bash -c 'certbot -q renew --deploy-hook \"systemctl reload nginx\"'" \
	'Environment=PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin'
has cron-start-tunnel 'OnBoot=yes'
grep -q -- 'date -d yesterday +%F' "$T/job" && fail "another job's command"
has cron-report.py 'Cron=@daily'
check "percent signs are unescaped" grep -q 'date -d yesterday +%F' "$T/job"
check "mail is noted" grep -q 'MAILTO=ops@example.org: output is kept' "$T/webserver"
check "no mail, no note" [ "$(grep -A2 ':18: ' "$T/webserver" | grep -c MAILTO)" = 0 ]
same "again there is nothing to do" "$(jobctl import crontab "$C/webserver" | tail -n 1)" "12 jobs unchanged"

import percent 3 0
has cron-mail 'Shell=mail -s "weekly" team@example.org' 'StdinText="Dear all,\n\nthe report is at 100% now.\n\n"'
has cron-date 'Shell=date +%d'
has cron-cat 'Shell=cat' 'StdinText="one line\n"'
import cronie 6 1
has cron-open-market 'TimeZone=America/New_York' 'Jitter=15m' 'Directory=/var/lib/app' 'Environment=HOME=/var/lib/app'
has cron-night-in-berlin 'TimeZone=Europe/Berlin'
check "a random time" grep -q 'not taken over: a ~ is another time each day' "$T/cronie"
import odd 11 6
has cron-ninety 'Cron=0 * * * *'
check "never" grep -q 'not taken over: at "0 0 30 2 \*": it never comes' "$T/odd"
has cron-sort 'Environment=NAME=quoted value' 'Environment=EMPTY='
import sundays 11 0
# What is commented out is no description of what follows, nor are the names of the columns, nor is what is drawn.
import commented 9 0
check "five lines are out of use" grep -q '; 5 are commented out\.$' "$T/commented"
for n in 7 9 10 12 14; do
	check "line $n is told of" grep -q "^$C/commented:$n: #" "$T/commented"
done
check "as what it is" [ "$(grep -c 'it is commented out: left alone' "$T/commented")" = 5 ]
jobctl export 'cron-*th' cron-first >"$T/jobs"
same "descriptions are those that describe" "$(sed -n 's/^Description=//p' "$T/jobs" | sort)" "at 9 every day, not 10 * * * * as before
über Nacht"
has cron-second 'Description=the nightly backup'
import anacrontab 4 1
has cron-cron.daily 'Cron=5 3 * * *' 'Jitter=45m' 'Misfire=once'
has cron-every-ten 'Every=10d'
if [ "$(id -u)" = 0 ]; then
	import system 6 0 --system
	has cron-cron.hourly 'Cron=17 * * * *' 'Shell=cd / && run-parts --report /etc/cron.hourly'
	has cron-debian-sa1 'User=nobody'
fi

# run-parts, script by script.
mkdir "$T/parts"
printf '#!/bin/sh\n' >"$T/parts/one"
cp "$T/parts/one" "$T/parts/two"
cp "$T/parts/one" "$T/parts/no.dots"
: >"$T/parts/not-executable"
chmod +x "$T/parts/one" "$T/parts/two" "$T/parts/no.dots"
printf '17 3 * * * run-parts --report %s\n' "$T/parts" >"$T/tab"
jobctl import --split --prefix p- --dry-run crontab "$T/tab" >"$T/out"
check "a job each" [ "$(grep -c '^    becomes p-' "$T/out")" = 2 ]
same "a dry run adds nothing" "$(jobctl export 'p-*' 2>/dev/null)" ""
# What jobd refuses is not said to be there.
jobctl import --notify fail:nobody --prefix q- crontab "$C/percent" >"$T/out" 2>"$T/err" && fail "with a target that is not there"
check "nothing is claimed" grep -q 'was not, or not all of it' "$T/err"
same "nothing is there" "$(jobctl export 'q-*' 2>/dev/null)" ""
# As files, also without a jobd.
stop_jobd
mkdir "$T/d"
jobctl import --to "$T/d" crontab "$C/percent" >"$T/out" || fail "files"
check "not proved" grep -q 'not proved, as jobd cannot be reached' "$T/out"
check "three files" [ "$(ls "$T/d" | wc -l)" = 3 ]
# They are as those of export: the user's alone, whole or not there, in the place of what was there.
same "for the user alone" "$(stat -c %a "$T/d/cron-cat.job")" 600
echo old >"$T/d/cron-cat.job"
(umask 0; jobctl import --to "$T/d" crontab "$C/percent") >/dev/null || fail "files again"
check "another takes its place" grep -q 'Shell=cat' "$T/d/cron-cat.job"
same "for the user alone, again" "$(stat -c %a "$T/d/cron-cat.job")" 600
rm "$T/d/cron-cat.job" && mkdir -p "$T/d/cron-cat.job/in-the-way"
jobctl import --to "$T/d" crontab "$C/percent" >/dev/null 2>"$T/err"
same "one that cannot be written" $? 1
check "is told" grep -q 'cron-cat.job: ' "$T/err"
same "and nothing is left of it" "$(ls "$T/d" | sort | tr '\n' ' ')" "cron-cat.job cron-date.job cron-mail.job "
