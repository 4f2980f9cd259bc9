#!/bin/sh
# The examples of job(5) are applied as they stand there, and its errors are told so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobfile.sh"
printf '[target ops]\ncommand = cat >/dev/null\n' >"$T/jobd.conf"
start_jobd --config "$T/jobd.conf"

# The page without what is roff's within its lines.
sed 's/\\f[BIR]//g; s/\\-/-/g; s/\\(dq/"/g' "$JOBD_SOURCE/docs/man/job.5.in" >"$T/page"

# example FILE: what follows where the page names it among the examples.
example() {
	awk -v name="$1" '/^[.]SH/ { examples = /EXAMPLES/ } examples && index($0, name) { wanted = 1 }
		/^[.]fi/ && inside { exit } inside { print } wanted && /^[.]nf/ { inside = 1 }' "$T/page"
}

mkdir "$T/jobs"
for file in backup.job site.job nightly.job cool-down.job mirror@.job; do
	example "$file" >"$T/jobs/$file"
	[ -s "$T/jobs/$file" ] || fail "the page has no $file"
	# Nothing of it is to happen here.
	grep -q '^\[Job\]' "$T/jobs/$file" || echo '[Job]' >>"$T/jobs/$file"
	sed -i 's/^\[Job\]$/&\nPaused=yes/' "$T/jobs/$file"
done
same "no example is left out" "$(sed -n '/^\.SH EXAMPLES/,$p' "$T/page" | grep -c '^\.nf')" 5
: >"$T/jobs/mirror@debian.job"
jobctl apply -f "$T/jobs" >"$T/out" 2>&1 || fail "apply: $(cat "$T/out")"
same "all of them are jobs" "$(jobctl apply -f "$T/jobs")" "5 jobs unchanged"
has backup Retries=3 'Command=rsync -a /srv '"'/backup/of the day'" Notify=fail,recover:ops
has nightly Heartbeat=yes Grace=30m
has mirror@debian 'Shell=rsync -a rsync://mirror.example.org/debian /srv/debian && date +%F >/srv/debian/updated'
has cool-down After=backup Duration=10m
has site ExpectTime='total<2s'

# The errors.
cd "$T" || exit
printf '[Job]\nName=backup\n\nRetires=3\nCron=0 3 * * *\n\n[Schedule]\nEvery=1x\n[Command]\nCommand=true\n' >backup.job
jobctl apply -f backup.job 2>err && fail "it was applied"
sed -n '/^\.SH ERRORS/,/^\.fi/p' "$T/page" | grep '^jobctl: ' >wanted
same "three of them" "$(grep -c . wanted)" 3
while IFS= read -r line; do
	grep -qxF "$line" err || fail "wanted '$line' in: $(cat err)"
done <wanted
same "and no more" "$(grep -c . err)" 3

# A time without a zone.
printf '[Schedule]\nAt=2030-01-31 18:30\nTimeZone=Asia/Tokyo\n[Command]\nCommand=true\n' >once.job
jobctl apply -f once.job >/dev/null || fail "once"
same "is one of TimeZone" "$(jobctl show once --json | field job.spec.at)" 2030-01-31T09:30:00.000000Z
stop_jobd
