#!/bin/sh
# A real older package is upgraded to this one: OLDER=DEB of make check-systemd.  Its database is of an earlier form, its
# programs speak earlier protocols; a command runs meanwhile.
. "$(dirname "$0")/say.sh"
pids() {
	echo "$(prop MainPID jobd.service) $(prop MainPID jobd-runner.service)"
}
# Of a copy: jobd has the database to itself.
form() {
	rm -rf /root/copy
	cp -r /var/lib/jobd /root/copy
	python3 -c 'import sqlite3
print(sqlite3.connect("/root/copy/jobd.db").execute("PRAGMA user_version").fetchone()[0])'
}
check "an older jobd is installed" dpkg -i /root/jobd-older.deb
su - alice -c 'jobctl add -q -n older-runs -- lines /tmp/older-ends' >/dev/null
su - alice -c 'jobctl add -q -n older-later --cron "0 3 * * *" -- true' >/dev/null
su - alice -c 'jobctl add -q -n older-ended -- echo from before' >/dev/null
until_ job_is older-runs job.lastRun.state running
jobctl wait older-ended >/dev/null
pid=$(job older-runs job.lastRun.pid)
was=$(pids)
due=$(job older-later job.nextDue)
was_form=$(form)
check "upgrade from it" dpkg -i /root/jobd-next.deb
check "  each goes on in its process" same "$(pids)" "$was"
check "  as the program that is installed" same "$(readlink /proc/"$(prop MainPID jobd.service)"/exe)" /usr/bin/jobd
check "  the runner, too" same "$(readlink /proc/"$(prop MainPID jobd-runner.service)"/exe)" /usr/libexec/jobd/jobd-runner
echo "      form $was_form of the database is form $(form) now"
check "  systemd takes both for well" systemctl is-active jobd.service jobd-runner.service
check "  the command goes on" alive "$pid"
check "  and is known to run" job_is older-runs job.lastRun.state running
check "  what is due later still is" job_is older-later job.nextDue "$due"
check "  output from before is there" sh -c 'jobctl logs older-ended | grep -qx "from before"'
check "  commands run" su - alice -c 'jobctl run -- true'
check "  what only this one can is done" su - alice -c 'jobctl export older-later | jobctl apply -f - --dry-run'
check "  nothing is missing in the ledger" jobctl audit
touch /tmp/older-ends
check "  its end is known" jobctl wait older-runs
jobctl logs older-runs >/tmp/older
seq "$(wc -l </tmp/older)" >/tmp/wanted
check "  each of its $(wc -l </tmp/older) lines is there once" cmp /tmp/older /tmp/wanted
check "a restart of both, with the units as they are now" systemctl restart jobd-runner.service jobd.service
check "  commands run" until_ su - alice -c 'jobctl run -- true'
check "purge" dpkg -P jobd
finish
