#!/bin/sh
# Timer units with their services, and pueue's tasks: what they become, and what is told that cannot be kept.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobfile.sh"
C=$(cd "$(dirname "$0")/../corpus" && pwd)
start_jobd
says() {
	grep -qF -- "$1" "$T/out" || fail "wanted '$1' in: $(cat "$T/out")"
}
jobctl import timers "$C/timers" >"$T/out" || fail "timers"
says '4 can be taken over, 2 cannot'
# The drop-in's two times are two jobs.
has backup 'Calendar=Mon..Fri 03:00' 'Jitter=15m' 'Misfire=once' 'Timeout=1h30m' 'Memory=512M' 'Cpu=50' 'Nice=10' \
	"Command=/usr/bin/rsync -a --delete /srv/ '/backup/of the day/'" 'Environment=RSYNC_RSH=ssh -p 22' \
	'Environment=LEVEL=3' 'Directory=/srv' 'Description=Nightly backup'
has backup-2 'Calendar=Sat 05:00 Europe/Berlin'
has boot OnBoot=yes Command=/usr/local/bin/hello
has clean Every=1d 'Shell=/usr/bin/find /tmp -mtime +9 -delete && /bin/echo $USER'
says '[Unit] ConditionACPower=true is not kept'
says '[Service] ExecStartPre=/bin/true is not kept'
says 'first at once, and not 15min after the boot'
says 'there is no '
says 'it is a template'
jobctl import timers "$C/timers/boot.timer" >"$T/out" || fail "one timer"
says '1 can be taken over, 0 cannot'

jobctl queue pause default schedule >/dev/null 2>&1
jobctl import pueue - <"$C/pueue/status.json" >"$T/out" 2>"$T/err" || fail "pueue: $(cat "$T/out" "$T/err")"
says '4 can be taken over, 2 cannot'
has pueue-2 Queue=video Priority=3 'Shell=ffmpeg -i c.mkv d.mp4' Directory=/srv/video Environment=LANG=de_DE.UTF-8 \
	Description=second
says 'it waits for task 1, which does not come along'
has pueue-3 After=pueue-2
has pueue-4 At=2035-01-01T07:00:00.000000Z
has pueue-5 Paused=yes
says 'the group video has 2 at a time: jobctl queue set video --slots 2'
says 'not taken over: it is Running'
jobctl import pueue "$C/crontab/odd" 2>"$T/err" && fail "no JSON"
check "says what it is not" grep -q 'it is not what pueue status --json prints' "$T/err"
jobctl import at 2>"$T/err"
same "of others nothing is known" $? 2
stop_jobd
